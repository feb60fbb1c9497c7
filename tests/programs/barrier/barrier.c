/* SPDX-License-Identifier: MIT */
/* Barriers: one serial thread in each round, nobody ahead of the others, reuse, destruction at
 * once. */
#include "check.h"

enum { THREADS = 50, ROUNDS = 100 };

static pthread_barrier_t barrier;
static int serial, arrived;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
        int result = pthread_barrier_wait(&barrier);
        expect(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
        if (result)
            __atomic_fetch_add(&serial, 1, __ATOMIC_SEQ_CST);
        expect(__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) >= (i + 1) * (THREADS + 1));
    }
    return argument;
}

static void *waits_once(void *argument)
{
    pthread_barrier_wait(argument);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    show(pthread_barrier_init(&barrier, NULL, 0));
    show(pthread_barrier_init(&barrier, NULL, THREADS + 1));
    start_many(threads, THREADS, routine);
    routine(NULL);
    join_many(threads, THREADS);
    say("serial %d of %d\n", serial, arrived);
    show(pthread_barrier_destroy(&barrier));
    for (int i = 0; i < 200; i++) {
        pthread_barrier_t *both = malloc(sizeof *both);
        must(pthread_barrier_init(both, NULL, 2));
        pthread_t thread = start(waits_once, both);
        pthread_barrier_wait(both);
        must(pthread_barrier_destroy(both));
        memset(both, 0x77, sizeof *both);
        join(thread);
        free(both);
    }
    must(pthread_barrier_init(&barrier, NULL, 1));
    say("alone: serial %d\n", pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
    return finished();
}
