/* SPDX-License-Identifier: MIT */
/* Signals race with time-outs: every token that was signalled is taken by someone, in the end. */
#include "check.h"

enum { WAITERS = 32, TOKENS = 3000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t available = PTHREAD_COND_INITIALIZER, taken_all = PTHREAD_COND_INITIALIZER;
static int tokens, taken;

static void *waits(void *argument)
{
    must(pthread_mutex_lock(&lock));
    while (taken < TOKENS) {
        struct timespec soon = timespec_of(clock_ns(CLOCK_MONOTONIC) + 300000);
        int error = 0;
        while (tokens == 0 && error == 0 && taken < TOKENS)
            error = pthread_cond_clockwait(&available, &lock, CLOCK_MONOTONIC, &soon);
        expect(error == 0 || error == ETIMEDOUT);
        if (tokens == 0)
            continue;
        tokens--;
        if (++taken == TOKENS) {
            must(pthread_cond_signal(&taken_all));
            must(pthread_cond_broadcast(&available));
        }
    }
    must(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    pthread_t threads[WAITERS];
    start_many(threads, WAITERS, waits);
    for (int i = 0; i < TOKENS; i++) {
        must(pthread_mutex_lock(&lock));
        tokens++;
        must(pthread_cond_signal(&available));
        must(pthread_mutex_unlock(&lock));
        if (i % 200 == 0)
            usleep(400);
    }
    must(pthread_mutex_lock(&lock));
    while (taken < TOKENS)
        must(pthread_cond_wait(&taken_all, &lock));
    must(pthread_mutex_unlock(&lock));
    join_many(threads, WAITERS);
    say("%d taken, %d left\n", taken, tokens);
    return finished();
}
