/* SPDX-License-Identifier: MIT */
/* Waking other threads is no cancellation point: a cancelled thread goes on through all of these. */
#include "check.h"

#include <semaphore.h>

enum { ROUNDS = 300, WAITERS = 8 };

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, reached;

static void *waits(void *argument)
{
    for (int round = 1; round <= ROUNDS; round++) {
        must(pthread_mutex_lock(&mutex));
        while (turn < round)
            must(pthread_cond_wait(&cond, &mutex));
        must(pthread_mutex_unlock(&mutex));
        must_sys(sem_wait(&semaphore));
    }
    return argument;
}

static void *wakes(void *argument)
{
    must(pthread_cancel(pthread_self()));
    for (int round = 1; round <= ROUNDS; round++) {
        must(pthread_mutex_lock(&mutex));
        turn = round;
        must(pthread_cond_broadcast(&cond));
        must(pthread_mutex_unlock(&mutex));
        for (int i = 0; i < WAITERS; i++)
            must_sys(sem_post(&semaphore));
        reached = round;
    }
    pthread_testcancel();
    return argument;
}

int main(void)
{
    pthread_t waiters[WAITERS];
    must_sys(sem_init(&semaphore, 0, 0));
    start_many(waiters, WAITERS, waits);
    say("%s\n", join(start(wakes, NULL)) == PTHREAD_CANCELED ? "canceled" : "returned");
    say("reached %d\n", reached);
    join_many(waiters, WAITERS);
    return finished();
}
