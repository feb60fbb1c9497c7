/* SPDX-License-Identifier: MIT */
/* Twelve sleepers with deadlines 50 ms apart, started in a mixed order, wake in the order of their
 * deadlines. A loaded machine may run two late ones in either order, so there are five attempts. */
#include "check.h"

enum { SLEEPERS = 12, APART = 50, ATTEMPTS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t origin;
static int order[SLEEPERS], woken;

static void *sleeps(void *argument)
{
    int rank = index_of(argument) * 7 % SLEEPERS;
    int64_t until = origin + (rank + 1) * APART * MILLISECOND;
    struct timespec deadline = timespec_of(until);
    must(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL));
    expect(now_ns() >= until);
    pthread_mutex_lock(&lock);
    order[woken++] = rank;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static bool in_order(void)
{
    pthread_t threads[SLEEPERS];
    woken = 0;
    origin = now_ns();
    start_many(threads, SLEEPERS, sleeps);
    join_many(threads, SLEEPERS);
    for (int i = 0; i < SLEEPERS; i++)
        if (order[i] != i)
            return false;
    return true;
}

int main(void)
{
    bool ordered = false;
    for (int i = 0; i < ATTEMPTS && !ordered; i++)
        ordered = in_order();
    say("in order: %d\n", ordered);
    return finished();
}
