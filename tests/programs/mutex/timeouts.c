/* SPDX-License-Identifier: MIT */
/* timedlock and clocklock: ETIMEDOUT not early, a past deadline, bad arguments, and success. */
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t step;

static void time_out(clockid_t clock)
{
    int64_t begin = now_ns();
    struct timespec soon = deadline_on(clock, 50);
    show(pthread_mutex_clocklock(&lock, clock, &soon));
    say("%s\n", elapsed_word(begin, 49));
}

static void *routine(void *argument)
{
    struct timespec past = {1, 0}, bad = {1, SECOND}, negative = {-1, 0};
    int64_t begin = now_ns();
    struct timespec soon = deadline_on(CLOCK_REALTIME, 50);
    show(pthread_mutex_timedlock(&lock, &soon));
    say("%s\n", elapsed_word(begin, 49));
    time_out(CLOCK_REALTIME);
    time_out(CLOCK_MONOTONIC);
    show(pthread_mutex_timedlock(&lock, &past));
    show(pthread_mutex_timedlock(&lock, &negative));
    show(pthread_mutex_timedlock(&lock, &bad));
    show(pthread_mutex_clocklock(&lock, CLOCK_PROCESS_CPUTIME_ID, &past));
    show(pthread_mutex_trylock(&lock));
    pthread_barrier_wait(&step);
    soon = deadline_on(CLOCK_MONOTONIC, 10000);
    show(pthread_mutex_clocklock(&lock, CLOCK_MONOTONIC, &soon));
    show(pthread_mutex_unlock(&lock));
    show(pthread_mutex_timedlock(&lock, &past));
    show(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    must(pthread_barrier_init(&step, NULL, 2));
    must(pthread_mutex_lock(&lock));
    pthread_t thread = start(routine, NULL);
    pthread_barrier_wait(&step);
    settle();
    must(pthread_mutex_unlock(&lock));
    join(thread);
    return finished();
}
