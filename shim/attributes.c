/* SPDX-License-Identifier: MIT */
/*
 * What a thread is: pthread_getattr_np(3), its name (pthread_setname_np(3)) and scheduling
 * (pthread_setschedparam(3)).
 *
 * A coroutine runs on whichever carrier is free, so a scheduling class, which only a kernel thread can
 * have, has no effect on it. Wishes are examined by the kernel, whose errors are thus exact: the calling
 * kernel thread is changed and changed back. Class and priority are remembered and reported.
 */
#include "log.h"
#include "native.h"
#include "real.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

enum {
    NAME_SIZE = 16, /* the kernel's TASK_COMM_LEN */
    PAGE = 4096,
    FLAGS = SCHED_RESET_ON_FORK,
};

/* Sets of up to 16,384 CPUs. */
struct cpus {
    cpu_set_t sets[16];
};

static bool has_ended(struct ut_coro *coro)
{
    return atomic_load(&coro->life) & (UT_CORO_FINISHED | UT_CORO_POOLED);
}

/* The attribute object, in which glibc stores everything but what it calls flags itself. */

static int describe(struct ut_coro *coro, pthread_attr_t *attributes)
{
    struct cpus cpus;
    size_t size = coro->asked_size < coro->stack_size ? coro->asked_size : coro->stack_size;
    /* To the end of the page, as natively: what lies above the stack there is ours, and can be read. */
    char *top = (char *)(((uintptr_t)coro->stack + coro->stack_size + PAGE - 1) & -(uintptr_t)PAGE);
    bool detached = atomic_load(&coro->life) & UT_CORO_DETACHED;
    int error = pthread_attr_setstack(attributes, top - size, size);
    if (!error)
        error = pthread_attr_setguardsize(attributes, coro->asked_guard);
    if (!error)
        error = pthread_attr_setdetachstate(
            attributes, detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
    if (!error) {
        ut_critical_begin();
        ut_lock_acquire(&coro->lock);
        int policy = coro->schedule_policy & ~FLAGS;
        struct sched_param schedule = coro->schedule;
        ut_lock_release(&coro->lock);
        ut_critical_end();
        /* Attributes know three policies only; for the others they stay at SCHED_OTHER, as they are. */
        if (policy != SCHED_OTHER && pthread_attr_setschedpolicy(attributes, policy) == 0)
            pthread_attr_setschedparam(attributes, &schedule);
    }
    if (!error)
        error = pthread_getaffinity_np(coro->handle, sizeof cpus, cpus.sets);
    return error ? error : real(pthread_attr_setaffinity_np)(attributes, sizeof cpus, cpus.sets);
}

UT_EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_getattr_np)(thread, attributes);
    int error = pthread_attr_init(attributes);
    if (error)
        return error;
    error = describe(coro, attributes);
    if (error)
        pthread_attr_destroy(attributes);
    return error;
}

/* Names. glibc asks the kernel's files about other threads, which are gone with the thread. */

UT_EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_setname_np)(thread, name);
    size_t length = strnlen(name, NAME_SIZE);
    if (length == NAME_SIZE)
        return ERANGE;
    if (has_ended(coro))
        return ENOENT;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    memcpy(coro->name, name, length + 1);
    ut_lock_release(&coro->lock);
    ut_critical_end();
    ut_native_named(coro);
    return 0;
}

UT_EXPORT int pthread_getname_np(pthread_t thread, char *name, size_t size)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_getname_np)(thread, name, size);
    if (size < NAME_SIZE)
        return ERANGE;
    if (has_ended(coro))
        return ENOENT;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    memcpy(name, coro->name, NAME_SIZE);
    ut_lock_release(&coro->lock);
    ut_critical_end();
    return 0;
}

/* Scheduling */

/* May this process have that real-time priority? 0 or a positive error. */
static int examine_real_time(int policy, const struct sched_param *wanted)
{
    struct sched_param before;
    ut_critical_begin(); /* stay on this kernel thread */
    long old = ut_syscall1(SYS_sched_getscheduler, 0);
    ut_syscall2(SYS_sched_getparam, 0, &before);
    long result = ut_syscall3(SYS_sched_setscheduler, 0, policy & ~FLAGS, wanted);
    if (result == 0)
        ut_syscall3(SYS_sched_setscheduler, 0, old, &before);
    ut_critical_end();
    return (int)-result;
}

/* sched(7): the real-time classes have priorities, the others have none; the last needs more. */
static int examine(int policy, const struct sched_param *wanted)
{
    switch (policy & ~FLAGS) {
    case SCHED_FIFO:
    case SCHED_RR:
        return examine_real_time(policy, wanted);
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return wanted->sched_priority == 0 ? 0 : EINVAL;
    default:
        return EINVAL;
    }
}

/* With POLICY negative keep the class. */
static int schedule(struct ut_coro *coro, int policy, const struct sched_param *wanted)
{
    if (has_ended(coro))
        return ESRCH;
    int kept = __atomic_load_n(&coro->schedule_policy, __ATOMIC_RELAXED);
    int error = examine(policy < 0 ? kept : policy, wanted);
    if (error)
        return error;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    if (policy >= 0)
        coro->schedule_policy = policy;
    coro->schedule = *wanted;
    ut_lock_release(&coro->lock);
    ut_critical_end();
    return 0;
}

UT_EXPORT int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *wanted)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_setschedparam)(thread, policy, wanted);
    return policy < 0 ? EINVAL : schedule(coro, policy, wanted);
}

UT_EXPORT int pthread_setschedprio(pthread_t thread, int priority)
{
    struct ut_coro *coro = ut_coro_find(thread);
    struct sched_param wanted = {.sched_priority = priority};
    return coro ? schedule(coro, -1, &wanted) : real(pthread_setschedprio)(thread, priority);
}

UT_EXPORT int pthread_getschedparam(pthread_t thread, int *restrict policy,
                                    struct sched_param *restrict found)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_getschedparam)(thread, policy, found);
    if (has_ended(coro))
        return ESRCH;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    *policy = coro->schedule_policy;
    *found = coro->schedule;
    ut_lock_release(&coro->lock);
    ut_critical_end();
    return 0;
}
