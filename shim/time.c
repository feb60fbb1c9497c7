/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: sleep(3), usleep(3), nanosleep(2), clock_nanosleep(2), thrd_sleep(3). All cancellation
 * points, none restarted after a handler. No lane state needed; they park the coroutine.
 */
#include "real.h"
#include "wait.h"

#include <threads.h>
#include <unistd.h>

static int64_t nanoseconds(const struct timespec *time)
{
    if (time->tv_sec >= UT_FOREVER / UT_SECOND)
        return UT_FOREVER;
    if (time->tv_sec < 0)
        return 0;
    return time->tv_sec * UT_SECOND + time->tv_nsec;
}

int64_t ut_shim_deadline(clockid_t clock, const struct timespec *absolute)
{
    int64_t deadline = nanoseconds(absolute);
    if (clock == CLOCK_MONOTONIC || deadline == UT_FOREVER)
        return deadline;
    struct timespec now;
    clock_gettime(clock, &now);
    int64_t rest = deadline - nanoseconds(&now);
    return rest <= 0 ? 1 : ut_clock_add(ut_clock_now(), rest); /* 0 would mean "do not wait" */
}

int64_t ut_shim_timeout(const struct timespec *relative)
{
    return relative ? ut_clock_add(ut_clock_now(), nanoseconds(relative)) : UT_FOREVER;
}

/* Sleep until DEADLINE: 0, or -EINTR after a handler. The cancellation point came before. */
static int sleep_until(struct ut_coro *self, const char *why, int64_t deadline)
{
    for (;;) {
        ut_critical_begin();
        ut_wait_begin(self);
        enum ut_wait_outcome outcome = ut_wait_suspend(self, why, deadline);
        ut_critical_end();
        if (outcome == UT_WAIT_TIMED_OUT)
            return 0;
        if (ut_shim_attend_sleep(self, true))
            return -EINTR;
    }
}

/* The common part: 0 or a positive error; REST gets what was not slept. */
static int sleep_for(struct ut_coro *self, const char *why, const struct timespec *time,
                     struct timespec *rest)
{
    ut_shim_cancellation_point(self); /* also when the time is wrong */
    if (!time || !ut_shim_readable(time, sizeof *time))
        return EFAULT;
    if (!ut_shim_valid_time(time) || time->tv_sec < 0)
        return EINVAL;
    int64_t deadline = ut_shim_timeout(time);
    if (sleep_until(self, why, deadline) == 0)
        return 0;
    if (rest) {
        int64_t left = deadline - ut_clock_now();
        left = left < 0 ? 0 : left;
        *rest = (struct timespec){.tv_sec = left / UT_SECOND, .tv_nsec = left % UT_SECOND};
    }
    return EINTR;
}

UT_EXPORT int nanosleep(const struct timespec *time, struct timespec *rest)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(nanosleep)(time, rest);
    return (int)ut_shim_return(-sleep_for(self, "nanosleep", time, rest));
}
UT_ALIAS(__nanosleep, nanosleep);

UT_EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                              struct timespec *rest)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
        return UT_REGION("clock_nanosleep", true, real(clock_nanosleep)(clock, flags, time, rest));
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(self, "clock_nanosleep", time, rest);
    ut_shim_cancellation_point(self);
    if (!time || !ut_shim_readable(time, sizeof *time))
        return EFAULT;
    if (!ut_shim_valid_time(time) || time->tv_sec < 0)
        return EINVAL;
    return -sleep_until(self, "clock_nanosleep", ut_shim_deadline(clock, time));
}

UT_EXPORT unsigned sleep(unsigned seconds)
{
    struct ut_coro *self = ut_shim_self();
    struct timespec time = {.tv_sec = seconds}, rest = {0};
    if (!self)
        return real(sleep)(seconds);
    if (sleep_for(self, "sleep", &time, &rest) == 0)
        return 0;
    return (unsigned)rest.tv_sec; /* glibc: whole seconds of what nanosleep left */
}

UT_EXPORT int usleep(useconds_t microseconds)
{
    struct ut_coro *self = ut_shim_self();
    struct timespec time = {.tv_sec = microseconds / 1000000,
                            .tv_nsec = microseconds % 1000000 * 1000};
    if (!self)
        return real(usleep)(microseconds);
    return (int)ut_shim_return(-sleep_for(self, "usleep", &time, NULL));
}

UT_EXPORT int thrd_sleep(const struct timespec *time, struct timespec *rest)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(thrd_sleep)(time, rest);
    switch (sleep_for(self, "thrd_sleep", time, rest)) {
    case 0:
        return 0;
    case EINTR:
        return -1;
    default:
        return -2;
    }
}

UT_EXPORT int sched_yield(void)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(sched_yield)();
    ut_critical_begin();
    ut_sched_yield(self);
    ut_critical_end();
    return 0;
}
UT_ALIAS(__sched_yield, sched_yield);
/* The header renames pthread_yield to sched_yield; older binaries have the name itself. */
extern int older_name(void) __asm__("pthread_yield")
    __attribute__((UT_COPY(sched_yield) alias("sched_yield"), visibility("default")));

UT_EXPORT void thrd_yield(void)
{
    sched_yield();
}
