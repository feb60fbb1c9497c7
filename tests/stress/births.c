/* SPDX-License-Identifier: MIT */
/*
 * births COUNT: COUNT short threads, from several creators of which most are threads themselves;
 * each is joined, detached at birth, detached by itself, or detached by its creator.
 */
#include "stress.h"

enum { CREATORS = 6, BATCH = 16 };

static _Atomic long ran, detached_alive;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t none_left = PTHREAD_COND_INITIALIZER;
static __thread long own = 77;
static long per_creator;

static void *live(void *number)
{
    CHECK(own == 77 && errno == 0);
    own = (long)number;
    errno = EDOM;
    atomic_fetch_add(&ran, 1);
    return (void *)(own ^ 0x5555);
}

static void leave(void)
{
    MUST(pthread_mutex_lock(&mutex));
    if (atomic_fetch_sub(&detached_alive, 1) == 1)
        MUST(pthread_cond_signal(&none_left));
    MUST(pthread_mutex_unlock(&mutex));
}

static void *live_detached(void *number)
{
    if ((long)number % 4 == 2)
        MUST(pthread_detach(pthread_self()));
    live(number);
    leave();
    return NULL;
}

static void start_detached(long number)
{
    pthread_t thread;
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes));
    if (number % 4 == 1)
        MUST(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    atomic_fetch_add(&detached_alive, 1);
    MUST(pthread_create(&thread, &attributes, live_detached, (void *)number));
    if (number % 4 == 3)
        MUST(pthread_detach(thread));
    MUST(pthread_attr_destroy(&attributes));
}

static void *create(void *unused)
{
    pthread_t threads[BATCH];
    long numbers[BATCH];
    int waiting = 0;
    for (long number = 0; number < per_creator; number++) {
        if (number % 4) {
            start_detached(number);
            continue;
        }
        numbers[waiting] = number;
        MUST(pthread_create(&threads[waiting++], NULL, live, (void *)number));
        while (waiting && (waiting == BATCH || number + 4 >= per_creator)) {
            void *result;
            MUST(pthread_join(threads[--waiting], &result));
            CHECK((long)result == (numbers[waiting] ^ 0x5555));
        }
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t creators[CREATORS - 1];
    per_creator = argument(argc, argv, 1, 50000) / CREATORS;
    int64_t start = now_ns();
    for (int i = 0; i < CREATORS - 1; i++)
        MUST(pthread_create(&creators[i], NULL, create, NULL));
    errno = 0;
    create(NULL); /* the main thread, too */
    for (int i = 0; i < CREATORS - 1; i++)
        MUST(pthread_join(creators[i], NULL));
    MUST(pthread_mutex_lock(&mutex));
    while (atomic_load(&detached_alive))
        MUST(pthread_cond_wait(&none_left, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
    CHECK(atomic_load(&ran) == per_creator * CREATORS);
    printf("%ld threads in %.2f s\n", atomic_load(&ran), (double)(now_ns() - start) / 1e9);
    return 0;
}
