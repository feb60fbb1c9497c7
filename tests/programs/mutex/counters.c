/* SPDX-License-Identifier: MIT */
/* Every type of mutex under contention by threads and main: no increment is lost. */
#include "check.h"

enum { THREADS = 16, ROUNDS = 2000 };

static pthread_mutex_t locks[] = {
    PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
    PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP,
    PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
};
static volatile int counters[4];

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        int which = (i + index_of(argument)) % 4;
        must(pthread_mutex_lock(&locks[which]));
        counters[which] = counters[which] + 1;
        if (i % 64 == 0)
            sched_yield();
        must(pthread_mutex_unlock(&locks[which]));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    routine(NULL);
    join_many(threads, THREADS);
    for (int i = 0; i < 4; i++)
        say("counter %d\n", counters[i]);
    for (int i = 0; i < 4; i++)
        show(pthread_mutex_destroy(&locks[i]));
    return finished();
}
