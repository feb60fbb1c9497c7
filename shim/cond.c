/* SPDX-License-Identifier: MIT */
/*
 * Condition variables: pthread_cond_wait(3p), pthread_cond_signal(3p).
 * glibc: nptl/pthread_cond_wait.c, nptl/pthread_cond_signal.c. All need no lane.
 *
 * Once the runtime has started, all threads of the process wait in the lot, at the condition
 * variable's address; in the object we only read which clock it has and whether it is for
 * several processes. Native threads must not wait in glibc's function, because that unlocks the
 * mutex by a way of its own, and a coroutine in the mutex's queue would not be woken.
 *
 * glibc's own waiting remains
 *   - before the start (no other thread exists but those that libc makes for itself), for threads
 *     of the runtime's own, and when unthread is off;
 *   - if the condition variable and the mutex are both for several processes. If only the
 *     condition variable is, whoever changes the predicate under the mutex is in this process.
 * glibc counts such waiters in the object (__wrefs), each before it unlocks the mutex. So signal
 * and broadcast wake both: the lot if its bucket is occupied, and glibc's waiters if the
 * count is not zero. A signal may then wake one of each: POSIX says at least one. The lot comes
 * last, for whoever is woken may destroy the object.
 *
 * No lost wake-up: a waiter enqueues, then unlocks the mutex. A signal that must wake it comes
 * after a lock of that mutex, hence after the unlock, and sees the bucket's count. In the queue
 * it stays until it is woken, times out, or is cancelled: also while its handlers run (see
 * ut_sync_wait). So, as with glibc, a handler does not make the wait return.
 *
 * Cancellation: acted upon with the mutex locked again. Who is cancelled after it was
 * signalled returns, and is cancelled at its next cancellation point.
 */
#include "sync.h"

#include <limits.h>

enum { COND_SHARED = 1, COND_MONOTONIC = 2, COND_WAITERS = ~7 }; /* in __wrefs */

struct when {
    clockid_t clock;
    const struct timespec *abstime; /* NULL: for ever */
    bool named;                     /* the caller names the clock, not the object */
};

/*
 * Where __wrefs is. glibc 2.41 moved it; so ask this glibc: both flags set make a 3, and a new
 * object has nothing else in it.
 */
static unsigned find_flags(void)
{
    static _Atomic unsigned found;
    unsigned place = atomic_load_explicit(&found, memory_order_relaxed);
    if (__builtin_expect(place != 0, 1))
        return place;
    pthread_condattr_t attributes;
    pthread_cond_t probe;
    pthread_condattr_init(&attributes);
    pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&probe, &attributes);
    const unsigned *words = (const unsigned *)(const void *)&probe;
    place = offsetof(struct __pthread_cond_s, __wrefs) / sizeof *words;
    for (unsigned i = 1; i < sizeof probe / sizeof *words; i++)
        if (words[i] == (COND_SHARED | COND_MONOTONIC))
            place = i;
    pthread_cond_destroy(&probe);
    pthread_condattr_destroy(&attributes);
    atomic_store_explicit(&found, place, memory_order_relaxed);
    return place;
}

static unsigned flags_of(pthread_cond_t *cond)
{
    return __atomic_load_n((unsigned *)(void *)cond + find_flags(), __ATOMIC_RELAXED);
}

/* Unlocks the caller's mutex between enqueuing and waiting; locks it again in any case. */
struct unlocked {
    pthread_mutex_t *mutex; /* NULL: nothing to do when unwinding */
};

static void lock_again(struct unlocked *unlocked)
{
    if (unlocked->mutex)
        ut_mutex_lock(unlocked->mutex);
}

static int wait_in_lot(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    struct unlocked unlocked __attribute__((cleanup(lock_again))) = {NULL};
    struct ut_coro *self = ut_shim_self();
    struct ut_lot_waiter waiter;
    if (self)
        ut_shim_cancellation_point(self);
    ut_critical_begin();
    ut_lot_enqueue(&waiter, cond, UT_SYNC_ANY);
    ut_shake();
    int error = ut_mutex_unlock(mutex);
    if (error) {
        if (ut_lot_abort(&waiter))
            ut_lot_wake(cond, 1); /* another one's signal */
        ut_critical_end();
        return error;
    }
    unlocked.mutex = mutex;
    ut_shake();
    enum ut_wait_outcome outcome = ut_sync_wait(&waiter, "pthread_cond_wait", deadline, true);
    ut_critical_end();
    unlocked.mutex = NULL;
    ut_shake();
    error = ut_mutex_lock(mutex);
    if (outcome == UT_WAIT_INTERRUPTED && self)
        ut_shim_attend(self, true); /* most often does not return */
    return error ? error : outcome == UT_WAIT_TIMED_OUT ? ETIMEDOUT : 0;
}

static int wait_really(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct when *when)
{
    if (!when->abstime)
        return real(pthread_cond_wait)(cond, mutex);
    if (!when->named)
        return real(pthread_cond_timedwait)(cond, mutex, when->abstime);
    return real(pthread_cond_clockwait)(cond, mutex, when->clock, when->abstime);
}

static int wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex, struct when when)
{
    unsigned flags = flags_of(cond);
    if (!ut_shim_started() || ut_tls.internal || ut_tls.critical)
        return wait_really(cond, mutex, &when);
    if ((flags & COND_SHARED) && ut_mutex_is_shared(mutex))
        return UT_REGION("pthread_cond_wait", true, wait_really(cond, mutex, &when));
    if (when.abstime && !ut_shim_valid_time(when.abstime))
        return EINVAL;
    if (!when.named)
        when.clock = flags & COND_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    return wait_in_lot(cond, mutex, ut_sync_deadline(when.clock, when.abstime));
}

/* Not that they were to do anything: of the old versions of all these names ours are the new ones. */
UT_EXPORT int pthread_cond_init(pthread_cond_t *restrict cond,
                                const pthread_condattr_t *restrict attributes)
{
    return real(pthread_cond_init)(cond, attributes);
}

UT_EXPORT int pthread_cond_destroy(pthread_cond_t *cond)
{
    return real(pthread_cond_destroy)(cond);
}

UT_EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return wait_for(cond, mutex, (struct when){.abstime = NULL});
}

UT_EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                     const struct timespec *abstime)
{
    return wait_for(cond, mutex, (struct when){.abstime = abstime});
}

UT_EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                     const struct timespec *abstime)
{
    if (!ut_sync_valid_clock(clock))
        return EINVAL;
    return wait_for(cond, mutex, (struct when){clock, abstime, true});
}

static bool glibc_has_waiters(pthread_cond_t *cond)
{
    return flags_of(cond) & (COND_WAITERS | COND_SHARED);
}

/* The object may be gone once somebody was woken: only its address is used. */
static void wake(const void *cond, unsigned most)
{
    if (!ut_lot_occupied(cond))
        return;
    ut_critical_begin();
    ut_lot_wake(cond, most);
    ut_critical_end();
}

UT_EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
    if (__builtin_expect(glibc_has_waiters(cond), 0))
        real(pthread_cond_signal)(cond);
    wake(cond, 1);
    return 0;
}

UT_EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
    if (__builtin_expect(glibc_has_waiters(cond), 0))
        real(pthread_cond_broadcast)(cond);
    wake(cond, UINT_MAX);
    return 0;
}
