/* SPDX-License-Identifier: MIT */
/* The condition variables of binaries from before 2003 (GLIBC_2.2.5): a pointer in an object of the same size,
 * all zero at first. */
#include "check.h"

int old_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int old_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline);
int old_signal(pthread_cond_t *condition);
int old_broadcast(pthread_cond_t *condition);
int old_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int old_destroy(pthread_cond_t *condition);
#ifdef __x86_64__
#define VERSION "GLIBC_2.2.5"
#else
#define VERSION "GLIBC_2.17"
#endif
__asm__(".symver old_wait, pthread_cond_wait@" VERSION);
__asm__(".symver old_timedwait, pthread_cond_timedwait@" VERSION);
__asm__(".symver old_signal, pthread_cond_signal@" VERSION);
__asm__(".symver old_broadcast, pthread_cond_broadcast@" VERSION);
__asm__(".symver old_init, pthread_cond_init@" VERSION);
__asm__(".symver old_destroy, pthread_cond_destroy@" VERSION);

enum { THREADS = 30 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t made_by_name = PTHREAD_COND_INITIALIZER, made_by_call;
static int turn, waiting;

static void *waits_for_all(void *argument)
{
    pthread_cond_t *condition = index_of(argument) % 2 ? &made_by_name : &made_by_call;
    pthread_mutex_lock(&lock);
    waiting++;
    while (!turn)
        must(old_wait(condition, &lock));
    waiting--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct timespec soon = deadline_on(CLOCK_REALTIME, 30);
    must(old_init(&made_by_call, NULL));
    pthread_mutex_lock(&lock);
    int64_t begin = now_ns();
    show(old_timedwait(&made_by_name, &lock, &soon));
    say("%s\n", elapsed_word(begin, 29));
    pthread_mutex_unlock(&lock);
    start_many(threads, THREADS, waits_for_all);
    for (int all = 0; !all;) {
        pthread_mutex_lock(&lock);
        all = waiting == THREADS;
        pthread_mutex_unlock(&lock);
        usleep(1000);
    }
    pthread_mutex_lock(&lock);
    turn = 1;
    must(old_broadcast(&made_by_name));
    for (int i = 0; i < THREADS; i++)
        must(old_signal(&made_by_call));
    pthread_mutex_unlock(&lock);
    join_many(threads, THREADS);
    say("waiting %d\n", waiting);
    show(old_destroy(&made_by_call));
    show(old_destroy(&made_by_name));
    return finished();
}
