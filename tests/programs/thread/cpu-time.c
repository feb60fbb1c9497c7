/* SPDX-License-Identifier: MIT */
/* CPU time is counted for each thread: one that computes has it, one that sleeps has not. */
#include <sys/resource.h>

#include "check.h"

static void *computes(void *argument)
{
    int64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    volatile unsigned sum = 0;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin < 60 * MILLISECOND)
        for (int i = 0; i < 1000; i++)
            sum = sum + (unsigned)i;
    clockid_t clock;
    show(pthread_getcpuclockid(pthread_self(), &clock));
    expect(clock_ns(clock) >= 60 * MILLISECOND);
    struct rusage usage;
    show_sys(getrusage(RUSAGE_THREAD, &usage));
    int64_t used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
                   (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ll;
    expect(used >= 30 * MILLISECOND);
    return argument;
}

static void *sleeps(void *argument)
{
    for (int i = 0; i < 5; i++)
        settle();
    expect(clock_ns(CLOCK_THREAD_CPUTIME_ID) < 50 * MILLISECOND);
    return argument;
}

int main(void)
{
    join(start(computes, NULL));
    join(start(sleeps, NULL));
    pthread_t both[2] = {start(sleeps, NULL), start(computes, NULL)};
    join_many(both, 2);
    expect(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 120 * MILLISECOND);
    return finished();
}
