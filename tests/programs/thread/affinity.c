/* SPDX-License-Identifier: MIT */
/* CPUs of threads: set by themselves, by others, by attribute, by sched_setaffinity with an id; inherited by the
 * threads that they make, not by others; kept across waiting; the errors. */
#include <sched.h>
#include <semaphore.h>

#include "check.h"

static cpu_set_t usual, one;
static sem_t go_on, looked;

static const char *word(const cpu_set_t *set)
{
    return CPU_EQUAL(set, &usual) ? "all" : CPU_EQUAL(set, &one) ? "one" : "others";
}

static void show_own(const char *who)
{
    cpu_set_t by_handle, by_id;
    usleep(1000);
    must(pthread_getaffinity_np(pthread_self(), sizeof by_handle, &by_handle));
    must_sys(sched_getaffinity(0, sizeof by_id, &by_id));
    say("%s: %s, %s, on one of them %d\n", who, word(&by_handle), word(&by_id),
        CPU_ISSET(sched_getcpu(), &by_handle));
}

static void *child(void *argument)
{
    show_own(argument);
    return NULL;
}

static void *sets_its_own(void *argument)
{
    show_own("at first");
    show(pthread_setaffinity_np(pthread_self(), sizeof one, &one));
    show_own("set");
    join(start(child, "its child"));
    show_sys(sched_setaffinity(0, sizeof usual, &usual));
    show_own("reset");
    show_sys(sched_setaffinity(gettid(), sizeof one, &one));
    show_own("by id");
    return argument;
}

static void *is_set(void *argument)
{
    sem_post(&looked);
    while (sem_wait(&go_on))
        ;
    show_own("by another");
    return argument;
}

static void *fails(void *argument)
{
    cpu_set_t none, far;
    CPU_ZERO(&none);
    CPU_ZERO(&far);
    CPU_SET(1000, &far);
    show(pthread_setaffinity_np(pthread_self(), sizeof none, &none));
    show(pthread_setaffinity_np(pthread_self(), sizeof far, &far));
    show(pthread_getaffinity_np(pthread_self(), 1, &none));
    show_sys(sched_setaffinity(0, sizeof none, bad_pointer));
    show_sys(sched_getaffinity(-1, sizeof none, &none));
    show_own("after errors");
    return argument;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    must_sys(sem_init(&go_on, 0, 0));
    must_sys(sem_init(&looked, 0, 0));
    must_sys(sched_getaffinity(0, sizeof usual, &usual));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &usual) && CPU_COUNT(&one) == 0)
            CPU_SET(cpu, &one);
    join(start(sets_its_own, NULL));
    join(start(child, "somebody else"));
    thread = start(is_set, NULL);
    must_sys(sem_wait(&looked));
    show(pthread_setaffinity_np(thread, sizeof one, &one));
    cpu_set_t seen;
    must(pthread_getaffinity_np(thread, sizeof seen, &seen));
    say("from outside: %s\n", word(&seen));
    sem_post(&go_on);
    join(thread);
    must(pthread_attr_init(&attributes));
    must(pthread_attr_setaffinity_np(&attributes, sizeof one, &one));
    must(pthread_create(&thread, &attributes, child, "by attribute"));
    join(thread);
    join(start(fails, NULL));
    must_sys(sched_setaffinity(0, sizeof one, &one));
    join(start(child, "of main, which has one"));
    must_sys(sched_setaffinity(0, sizeof usual, &usual));
    join(start(child, "of main, which has all"));
    return finished();
}
