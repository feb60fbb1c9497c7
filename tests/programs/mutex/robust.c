/* SPDX-License-Identifier: MIT */
/* A robust mutex whose owner ends: EOWNERDEAD, made consistent or not recoverable. */
#include "check.h"

enum { WAITERS = 10 };

static pthread_mutex_t lock;
static pthread_barrier_t step;
static int owner_dead;

static void init(void)
{
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr));
    must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    must(pthread_mutex_init(&lock, &attr));
    must(pthread_mutexattr_destroy(&attr));
}

static void *dies_with_it(void *argument)
{
    must(pthread_mutex_lock(&lock));
    if (argument) {
        pthread_barrier_wait(&step);
        settle();
    }
    return NULL;
}

static void *waits(void *argument)
{
    pthread_barrier_wait(&step);
    int error = pthread_mutex_lock(&lock);
    if (error == EOWNERDEAD) {
        owner_dead++;
        must(pthread_mutex_consistent(&lock));
    } else {
        must(error);
    }
    must(pthread_mutex_unlock(&lock));
    return argument;
}

static void waiters_get_it(void)
{
    pthread_t threads[WAITERS];
    init();
    must(pthread_barrier_init(&step, NULL, WAITERS + 1));
    pthread_t owner = start(dies_with_it, &lock);
    start_many(threads, WAITERS, waits);
    join(owner);
    join_many(threads, WAITERS);
    say("owner dead for %d waiters\n", owner_dead);
    must(pthread_mutex_destroy(&lock));
}

int main(void)
{
    init();
    join(start(dies_with_it, NULL));
    show(pthread_mutex_consistent(&lock));
    show(pthread_mutex_lock(&lock));
    show(pthread_mutex_consistent(&lock));
    show(pthread_mutex_consistent(&lock));
    show(pthread_mutex_unlock(&lock));
    show(pthread_mutex_lock(&lock));
    show(pthread_mutex_unlock(&lock));
    join(start(dies_with_it, NULL));
    show(pthread_mutex_trylock(&lock));
    show(pthread_mutex_unlock(&lock));
    show(pthread_mutex_lock(&lock));
    show(pthread_mutex_trylock(&lock));
    show(pthread_mutex_destroy(&lock));
    waiters_get_it();
    return finished();
}
