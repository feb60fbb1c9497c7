/* SPDX-License-Identifier: MIT */
/*
 * The CPU time of a single thread: CLOCK_THREAD_CPUTIME_ID, pthread_getcpuclockid(3),
 * RUSAGE_THREAD. The kernel would answer for the carrier. A coroutine's clock has a number as the
 * kernel would give it (include/linux/posix-timers.h), made of the virtual thread id.
 */
#include "cputime.h"
#include "real.h"
#include "signals.h"

#include <sys/resource.h>

enum { PER_THREAD = 6 }; /* CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED */

/* 28 bits of an id fit into a clock's number; in no kernel thread's is the highest (PID_MAX_LIMIT). */
enum { ID_BITS = (1 << 28) - 1, NOT_THE_KERNELS = 1 << 27 };

static clockid_t clock_of(const struct ut_coro *coro)
{
    unsigned id = (coro->thread_id & ID_BITS) | NOT_THE_KERNELS;
    return (clockid_t)(~id << 3 | PER_THREAD);
}

/* The coroutine whose CPU time CLOCK shows, or NULL. */
static struct ut_coro *owner_of(clockid_t clock)
{
    struct ut_coro *coro = NULL;
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        return ut_tls.coro;
    if ((clock & 7) != PER_THREAD || !ut_shim_started())
        return NULL;
    while ((coro = ut_coro_next(coro)))
        if (clock_of(coro) == clock &&
            !(atomic_load(&coro->life) & (UT_CORO_FINISHED | UT_CORO_POOLED)))
            return coro;
    return NULL;
}

static bool may_be_a_threads(clockid_t clock)
{
    return clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;
}

UT_EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    struct ut_coro *owner = NULL;
    if (__builtin_expect(may_be_a_threads(clock), 0) && (owner = owner_of(clock))) {
        int64_t used = ut_cputime_of(owner);
        *time = (struct timespec){used / UT_SECOND, used % UT_SECOND};
        return 0;
    }
    return real(clock_gettime)(clock, time);
}

UT_EXPORT int clock_getres(clockid_t clock, struct timespec *resolution)
{
    return real(clock_getres)(
        may_be_a_threads(clock) && owner_of(clock) ? CLOCK_THREAD_CPUTIME_ID : clock, resolution);
}

UT_EXPORT int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_getcpuclockid)(thread, clock);
    if (atomic_load(&coro->life) & UT_CORO_FINISHED)
        return ESRCH;
    *clock = clock_of(coro);
    return 0;
}

static struct timeval timeval_of(int64_t ns)
{
    return (struct timeval){ns / UT_SECOND, ns % UT_SECOND / UT_MICROSECOND};
}

/* User and system time are told apart as the kernel thread's are; the other counts are its own. */
UT_EXPORT int getrusage(__rusage_who_t who, struct rusage *usage)
{
    struct ut_coro *self = who == RUSAGE_THREAD ? ut_shim_self() : NULL;
    int result = real(getrusage)(who, usage);
    if (!self || result < 0)
        return result;
    int64_t used = ut_cputime_of(self);
    int64_t user = usage->ru_utime.tv_sec * UT_SECOND + usage->ru_utime.tv_usec * UT_MICROSECOND;
    int64_t system = usage->ru_stime.tv_sec * UT_SECOND + usage->ru_stime.tv_usec * UT_MICROSECOND;
    double share = user + system ? (double)user / (double)(user + system) : 1;
    int64_t as_user = (int64_t)((double)used * share);
    usage->ru_utime = timeval_of(as_user);
    usage->ru_stime = timeval_of(used - as_user);
    return 0;
}
