/* SPDX-License-Identifier: MIT */
/* A semaphore of five lets at most five of a hundred threads in, and all of them in the end. */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 100, ROUNDS = 20, LIMIT = 5 };

static sem_t limit;
static int inside, entered;

static void *enters(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        must_sys(sem_wait(&limit));
        expect(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) <= LIMIT);
        __atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
        sched_yield();
        __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
        must_sys(sem_post(&limit));
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    int value;
    must_sys(sem_init(&limit, 0, LIMIT));
    start_many(threads, THREADS, enters);
    join_many(threads, THREADS);
    must_sys(sem_getvalue(&limit, &value));
    say("entered %d, value %d\n", entered, value);
    return finished();
}
