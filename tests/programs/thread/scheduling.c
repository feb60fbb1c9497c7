/* SPDX-License-Identifier: MIT */
/* Policy, priority, affinity and concurrency as a thread sees them. */
#include <sched.h>

#include "check.h"

static void say_policy(pthread_t thread)
{
    struct sched_param param;
    int policy;
    show(pthread_getschedparam(thread, &policy, &param));
    say("policy %d priority %d\n", policy, param.sched_priority);
}

static void *routine(void *argument)
{
    struct sched_param param = {0};
    cpu_set_t all, first, now;
    must(pthread_getaffinity_np(pthread_self(), sizeof all, &all));
    say_policy(pthread_self());
    show(pthread_setschedparam(pthread_self(), SCHED_BATCH, &param));
    say_policy(pthread_self());
    show(pthread_setschedprio(pthread_self(), 5));
    show(pthread_setschedparam(pthread_self(), 77, &param));
    CPU_ZERO(&first);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&first) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &first);
    show(pthread_setaffinity_np(pthread_self(), sizeof first, &first));
    must(pthread_getaffinity_np(pthread_self(), sizeof now, &now));
    expect(CPU_EQUAL(&first, &now));
    settle();
    expect(CPU_ISSET(sched_getcpu(), &first));
    CPU_ZERO(&now);
    show(pthread_setaffinity_np(pthread_self(), sizeof now, &now));
    return argument;
}

static void *untouched(void *argument)
{
    cpu_set_t mine;
    must(pthread_getaffinity_np(pthread_self(), sizeof mine, &mine));
    expect(CPU_EQUAL(&mine, (cpu_set_t *)argument));
    say_policy(pthread_self());
    return NULL;
}

int main(void)
{
    cpu_set_t all;
    must_sys(sched_getaffinity(0, sizeof all, &all));
    join(start(routine, NULL));
    join(start(untouched, &all));
    say("concurrency %d\n", pthread_getconcurrency());
    show(pthread_setconcurrency(3));
    show(pthread_setconcurrency(-1));
    say("concurrency %d\n", pthread_getconcurrency());
    return finished();
}
