/* SPDX-License-Identifier: MIT */
/* A semaphore on the waiter's stack goes away as soon as the wait returns: the poster must not
 * touch it any more. */
#include <semaphore.h>

#include "check.h"

enum { ROUNDS = 300, THREADS = 8 };

static void *posts(void *argument)
{
    must_sys(sem_post(argument));
    return NULL;
}

static void one_wait(void)
{
    sem_t sem;
    must_sys(sem_init(&sem, 0, 0));
    pthread_t poster = start(posts, &sem);
    must_sys(sem_wait(&sem));
    must_sys(sem_destroy(&sem));
    memset(&sem, 0xa5, sizeof sem);
    join(poster);
}

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS / THREADS; i++)
        one_wait();
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    routine(NULL);
    join_many(threads, THREADS);
    return finished();
}
