/* SPDX-License-Identifier: MIT */
/* timedwait and clockwait on both clocks: ETIMEDOUT not early, the mutex held again afterwards. */
#include "check.h"

static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t realtime = PTHREAD_COND_INITIALIZER, monotonic;

static void verdict(int64_t begin)
{
    say("%s, mutex %s\n", elapsed_word(begin, 49), error_name(pthread_mutex_lock(&lock)));
}

static void *routine(void *argument)
{
    struct timespec past = {1, 0}, bad = {1, SECOND};
    must(pthread_mutex_lock(&lock));

    int64_t begin = now_ns();
    struct timespec soon = deadline_on(CLOCK_REALTIME, 50);
    show(pthread_cond_timedwait(&realtime, &lock, &soon));
    verdict(begin);

    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 50);
    show(pthread_cond_timedwait(&monotonic, &lock, &soon));
    verdict(begin);

    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 50);
    show(pthread_cond_clockwait(&realtime, &lock, CLOCK_MONOTONIC, &soon));
    verdict(begin);

    begin = now_ns();
    soon = deadline_on(CLOCK_REALTIME, 50);
    show(pthread_cond_clockwait(&monotonic, &lock, CLOCK_REALTIME, &soon));
    verdict(begin);

    show(pthread_cond_timedwait(&realtime, &lock, &past));
    show(pthread_cond_timedwait(&realtime, &lock, &bad));
    show(pthread_cond_clockwait(&realtime, &lock, CLOCK_PROCESS_CPUTIME_ID, &past));
    show(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    pthread_condattr_t attr;
    clockid_t clock;
    must(pthread_condattr_init(&attr));
    show(pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID));
    show(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    show(pthread_condattr_getclock(&attr, &clock));
    expect(clock == CLOCK_MONOTONIC);
    must(pthread_cond_init(&monotonic, &attr));
    must(pthread_condattr_destroy(&attr));
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
