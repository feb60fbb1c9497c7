/* SPDX-License-Identifier: MIT */
/* Four threads on one barrier in a tight loop, main among them: wake-up and re-entry overlap. */
#include "check.h"

enum { THREADS = 4, ROUNDS = 2000 };

static pthread_barrier_t barrier;
static int slots[THREADS];

static void *routine(void *argument)
{
    int mine = index_of(argument);
    for (int i = 1; i <= ROUNDS; i++) {
        __atomic_store_n(&slots[mine], i, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
        for (int k = 0; k < THREADS; k++)
            expect(__atomic_load_n(&slots[k], __ATOMIC_RELAXED) == i);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS - 1];
    must(pthread_barrier_init(&barrier, NULL, THREADS));
    start_many(threads, THREADS - 1, routine);
    routine((void *)(intptr_t)(THREADS - 1));
    join_many(threads, THREADS - 1);
    return finished();
}
