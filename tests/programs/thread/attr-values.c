/* SPDX-License-Identifier: MIT */
/* Thread attributes: defaults, what setters accept and refuse, and what getters give back. */
#include "check.h"

static pthread_attr_t attr;

static void show_defaults(void)
{
    int detach, scope, inherit, policy;
    size_t guard, stack;
    struct sched_param param;
    must(pthread_attr_getdetachstate(&attr, &detach));
    must(pthread_attr_getscope(&attr, &scope));
    must(pthread_attr_getinheritsched(&attr, &inherit));
    must(pthread_attr_getschedpolicy(&attr, &policy));
    must(pthread_attr_getschedparam(&attr, &param));
    must(pthread_attr_getguardsize(&attr, &guard));
    must(pthread_attr_getstacksize(&attr, &stack));
    say("detach %d scope %d inherit %d policy %d priority %d guard %zu stack %zu\n", detach, scope,
        inherit, policy, param.sched_priority, guard, stack);
}

static void *routine(void *argument)
{
    return argument;
}

int main(void)
{
    struct sched_param param = {.sched_priority = 1};
    size_t size;
    pthread_t thread;
    must(pthread_attr_init(&attr));
    show_defaults();
    show(pthread_attr_setdetachstate(&attr, 77));
    show(pthread_attr_setscope(&attr, PTHREAD_SCOPE_PROCESS));
    show(pthread_attr_setscope(&attr, 77));
    show(pthread_attr_setinheritsched(&attr, 77));
    show(pthread_attr_setschedpolicy(&attr, 77));
    show(pthread_attr_setschedparam(&attr, &param));
    show(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN - 1));
    show(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN));
    show(pthread_attr_getstacksize(&attr, &size));
    expect(size == (size_t)PTHREAD_STACK_MIN);
    show(pthread_attr_setstack(&attr, (void *)4096, 100));
    show(pthread_attr_setguardsize(&attr, 5000));
    show(pthread_attr_getguardsize(&attr, &size));
    expect(size == 5000);
    show(pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED));
    show_defaults();
    must(pthread_attr_setstacksize(&attr, 200000));
    show(pthread_create(&thread, &attr, routine, NULL));
    show(pthread_join(thread, NULL));
    show(pthread_attr_destroy(&attr));
    return finished();
}
