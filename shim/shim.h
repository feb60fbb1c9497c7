/* SPDX-License-Identifier: MIT */
/*
 * The shim's internal header: what every room of it uses. A shim function is short and decides
 * nothing: it asks whether the caller is a coroutine, hands the matter to the real function or
 * to the runtime, and turns the runtime's negative codes into errno. README.md shows one.
 */
#ifndef UT_SHIM_H
#define UT_SHIM_H

#include "chk.h"
#include "clock.h"
#include "coro.h"
#include "critical.h"
#include "sched.h"
#include "shake.h"
#include "stats.h"
#include "tls.h"
#include "wait.h"

#include <errno.h>
#include <stdbool.h>

#define UT_EXPORT __attribute__((visibility("default")))

/* OTHER is another name of NAME. (gcc wants the same attributes on both.) */
#if __has_attribute(copy)
#define UT_COPY(name) copy(name),
#else
#define UT_COPY(name)
#endif
#define UT_ALIAS(other, name)                                                                      \
    extern __typeof__(name) other                                                                  \
        __attribute__((UT_COPY(name) alias(#name), visibility("default")))

/*
 * The calling coroutine, or NULL for whoever gets the real function: native threads, the
 * runtime's own threads, and a coroutine while it is inside the runtime (libuv calls write).
 */
static inline struct ut_coro *ut_shim_self(void)
{
    return __builtin_expect(ut_tls.critical != 0, 0) ? NULL : ut_tls.coro;
}

/* A runtime code as libc returns it: -1 and errno, or the value itself. */
static inline long ut_shim_return(long result)
{
    if (__builtin_expect(result < 0, 0)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/*
 * Deal with what interrupted a wait of SELF: run the handlers of its pending signals; with
 * CANCELLATION_POINT act on a cancellation, and then do not return. Outside critical sections.
 * -EINTR if a handler without SA_RESTART ran, else 0: go on waiting.
 */
int ut_shim_attend(struct ut_coro *self, bool cancellation_point);

/* The same for calls that no SA_RESTART restarts (sleeps, poll): -EINTR if any handler ran. */
int ut_shim_attend_sleep(struct ut_coro *self, bool cancellation_point);

enum { UT_CANCELED = 8 }; /* glibc: CANCELED_BITMASK, the same since NPTL began */

/* Has somebody cancelled SELF (whether or not it allows that now)? */
static inline bool ut_shim_cancel_pending(struct ut_coro *self)
{
    return self->cancel_state &&
           (__atomic_load_n(self->cancel_state, __ATOMIC_RELAXED) & UT_CANCELED);
}

/* At the start of a call that may be interrupted. */
static inline void ut_shim_begin(struct ut_coro *self)
{
    ut_shake_call(self);
    self->must_report = self->handled = false; /* what ran before this call is of no concern */
}

/* At the start of a cancellation point. */
static inline void ut_shim_cancellation_point(struct ut_coro *self)
{
    ut_shim_begin(self);
    if (__builtin_expect(ut_shim_cancel_pending(self), 0))
        ut_shim_attend(self, true);
}

/* Absolute time ABSOLUTE on CLOCK as a deadline of the runtime (CLOCK_MONOTONIC). */
int64_t ut_shim_deadline(clockid_t clock, const struct timespec *absolute);

/* A relative time as a deadline; UT_FOREVER for NULL. */
int64_t ut_shim_timeout(const struct timespec *relative);

/*
 * Can [DATA, DATA + SIZE) be read, as far as its ends tell? NULL can. For small things of the
 * program's, aligned, that we must look at ourselves, where a bad pointer is to give EFAULT: the
 * kernel compares the word before it moves no waiter from there to there.
 */
static inline bool ut_shim_readable(const void *data, size_t size)
{
    const int operation = FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG;
    const char *last = (const char *)data + (size < 4 ? 0 : size - 4);
    return !data || !size ||
           (ut_syscall5(SYS_futex, data, operation, 0, 0, data) != -EFAULT &&
            ut_syscall5(SYS_futex, last, operation, 0, 0, last) != -EFAULT);
}

/* Is TIME a time? (0 <= tv_nsec < 1,000,000,000) */
static inline bool ut_shim_valid_time(const struct timespec *time)
{
    return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

/* What is left until DEADLINE, which is not UT_FOREVER; 0 when it is past. */
static inline struct timespec ut_shim_left(int64_t deadline)
{
    int64_t left = deadline - ut_clock_now();
    return (struct timespec){left > 0 ? left / UT_SECOND : 0, left > 0 ? left % UT_SECOND : 0};
}

/* Read the settings; idempotent, from a constructor or whatever comes first. */
void ut_shim_init(void);

/* Has the runtime been started, by the first pthread_create? */
static inline bool ut_shim_started(void)
{
    return ut_sched_started();
}

/* Run EXPRESSION, a call of a real function, in a blocking region if on a coroutine. */
#define UT_REGION(symbol, slow, expression)                                                        \
    ({                                                                                             \
        struct ut_coro *region_self_ = ut_shim_self();                                             \
        if (region_self_)                                                                          \
            ut_region_begin(region_self_, symbol, slow);                                           \
        __typeof__(expression) region_result_ = (expression);                                      \
        if (region_self_) {                                                                        \
            int region_errno_ = errno;                                                             \
            ut_region_end(region_self_);                                                           \
            errno = region_errno_;                                                                 \
        }                                                                                          \
        region_result_;                                                                            \
    })

#endif
