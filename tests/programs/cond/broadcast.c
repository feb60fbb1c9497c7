/* SPDX-License-Identifier: MIT */
/* A broadcast wakes all of a thousand waiters, five times over. */
#include "check.h"

enum { WAITERS = 1000, ROUNDS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t next = PTHREAD_COND_INITIALIZER, all_here = PTHREAD_COND_INITIALIZER;
static int generation, here;

static void *waits(void *argument)
{
    must(pthread_mutex_lock(&lock));
    for (int i = 0; i < ROUNDS; i++) {
        int mine = generation;
        if (++here == WAITERS)
            must(pthread_cond_signal(&all_here));
        while (generation == mine)
            must(pthread_cond_wait(&next, &lock));
    }
    must(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    static pthread_t threads[WAITERS];
    start_many(threads, WAITERS, waits);
    must(pthread_mutex_lock(&lock));
    for (int i = 0; i < ROUNDS; i++) {
        while (here < WAITERS)
            must(pthread_cond_wait(&all_here, &lock));
        here = 0;
        generation++;
        must(pthread_cond_broadcast(&next));
    }
    must(pthread_mutex_unlock(&lock));
    join_many(threads, WAITERS);
    say("generation %d\n", generation);
    return finished();
}
