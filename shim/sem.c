/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: sem_wait(3), sem_timedwait(3), sem_clockwait(3), sem_post(3).
 * glibc: nptl/sem_waitcommon.c, sem_post.c, sem_init.c. All need no lane.
 *
 * The semaphore is glibc's: a coroutine takes from it by sem_trywait and waits in the lot. Native
 * threads use glibc's functions, whose waiters glibc's sem_post wakes. sem_open(3) gives
 * process-shared ones: there a coroutine waits in glibc's function, in a blocking region.
 *
 * No lost wake-up: as in mutex.c; enqueue, then try, and post, then look. Each post wakes one of
 * those who queued before it, and who is woken tries before it queues again; so if it
 * finds nothing, somebody else has taken what was posted.
 *
 * After glibc's sem_post the semaphore may be destroyed by whom it let go; only its address is
 * used. sem_post is async-signal-safe: handlers wait while the lot's locks are held (critical.h).
 */
#include "sync.h"

#include <semaphore.h>

/*
 * glibc's struct new_sem (sysdeps/nptl/internaltypes.h) on 64-bit machines: the value and the
 * number of waiters in one 64-bit word, then FUTEX_PRIVATE (0) or FUTEX_SHARED (128).
 */
static bool is_shared(const sem_t *semaphore)
{
    _Static_assert(sizeof(long) == 8, "the layout on 32-bit machines is another one");
    enum { SHARED_WORD = 2 };
    return ((const int *)(const void *)semaphore)[SHARED_WORD] != 0;
}

static int wait_really(sem_t *semaphore, clockid_t clock, const struct timespec *abstime)
{
    if (!abstime)
        return real(sem_wait)(semaphore);
    if (clock == CLOCK_REALTIME)
        return real(sem_timedwait)(semaphore, abstime);
    return real(sem_clockwait)(semaphore, clock, abstime);
}

/* sem_trywait without its errno. */
static bool try_to_take(sem_t *semaphore)
{
    int saved = errno;
    bool taken = sem_trywait(semaphore) == 0; /* not interposed: it never waits */
    errno = saved;
    return taken;
}

static bool take_turn(sem_t *semaphore, int64_t deadline, enum ut_wait_outcome *outcome)
{
    struct ut_lot_waiter waiter;
    ut_critical_begin();
    ut_lot_enqueue(&waiter, semaphore, UT_SYNC_ANY);
    ut_shake();
    bool taken = try_to_take(semaphore);
    ut_shake();
    if (!taken)
        *outcome = ut_lot_wait(&waiter, "sem_wait", deadline);
    else if (ut_lot_abort(&waiter))
        ut_lot_wake(semaphore, 1); /* of another post: what that gave is still there */
    ut_critical_end();
    return taken;
}

/* 0 or -errno. */
static int wait_in_lot(struct ut_coro *self, sem_t *semaphore, clockid_t clock,
                       const struct timespec *abstime)
{
    int64_t deadline = ut_sync_deadline(clock, abstime);
    for (;;) {
        enum ut_wait_outcome outcome = UT_WAIT_PENDING;
        if (take_turn(semaphore, deadline, &outcome))
            return 0;
        if (outcome == UT_WAIT_TIMED_OUT)
            return -ETIMEDOUT;
        if (outcome == UT_WAIT_INTERRUPTED) {
            /* The kernel restarts a futex call after SA_RESTART, but not one with a deadline. */
            int interrupted =
                abstime ? ut_shim_attend_sleep(self, true) : ut_shim_attend(self, true);
            if (interrupted)
                return interrupted;
        }
        if (try_to_take(semaphore))
            return 0;
    }
}

static int wait_as_coroutine(struct ut_coro *self, sem_t *semaphore, clockid_t clock,
                             const struct timespec *abstime)
{
    ut_shim_cancellation_point(self);
    if (try_to_take(semaphore))
        return 0;
    if (is_shared(semaphore))
        return UT_REGION("sem_wait", true, wait_really(semaphore, clock, abstime));
    return (int)ut_shim_return(wait_in_lot(self, semaphore, clock, abstime));
}

UT_EXPORT int sem_wait(sem_t *semaphore)
{
    struct ut_coro *self = ut_shim_self();
    return self ? wait_as_coroutine(self, semaphore, CLOCK_REALTIME, NULL)
                : real(sem_wait)(semaphore);
}

static int wait_until(sem_t *semaphore, clockid_t clock, const struct timespec *abstime)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !ut_shim_valid_time(abstime)) /* glibc refuses it even if it need not wait */
        return wait_really(semaphore, clock, abstime);
    return wait_as_coroutine(self, semaphore, clock, abstime);
}

UT_EXPORT int sem_timedwait(sem_t *semaphore, const struct timespec *abstime)
{
    return wait_until(semaphore, CLOCK_REALTIME, abstime);
}

UT_EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *abstime)
{
    if (!ut_sync_valid_clock(clock))
        return real(sem_clockwait)(semaphore, clock, abstime);
    /* glibc: the only one of the three that is no cancellation point when it need not wait */
    if (ut_shim_self() && ut_shim_valid_time(abstime) && try_to_take(semaphore))
        return 0;
    return wait_until(semaphore, clock, abstime);
}

UT_EXPORT int sem_post(sem_t *semaphore)
{
    int result = real(sem_post)(semaphore);
    ut_shake();
    if (ut_lot_occupied(semaphore)) {
        ut_critical_begin();
        ut_lot_wake(semaphore, 1);
        ut_critical_end();
    }
    return result;
}
