/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks: pthread_rwlock_rdlock(3p), pthread_rwlock_wrlock(3p), _unlock(3p).
 * glibc: nptl/pthread_rwlock_common.c. All need no lane.
 *
 * The lock is glibc's. Native threads use glibc's functions; coroutines try with glibc's try
 * functions and wait in the lot. Every unlock, and every native writer that gives up, looks at
 * the lot; glibc's unlock wakes the native waiters. Process-shared locks: glibc's functions, in
 * a region.
 *
 * Whom to wake. The waiter's tag says what its lock prefers, for after the real unlock the
 * object may be gone. One kind at a time is enough: who is woken either gets the lock, and its
 * unlock wakes the next, or finds it held by somebody whose unlock will.
 *   - Lock that prefers readers (glibc's default): all readers, else one writer. Readers wait
 *     only while a writer holds it; so whenever readers hold it no reader waits, and a thread that
 *     reads may wait for another one that is about to.
 *   - PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP: one writer, else all readers. Readers do not
 *     enter while a writer waits. So a writer that leaves the queue without the lock (deadline,
 *     handler) must let the readers in.
 * That a wake-up cannot be lost is argued in mutex.c: enqueue, then try; unlock, then look. A
 * reader that yields to a queued writer relies on that writer to pass the lock on, by its unlock
 * or by leaving; and it sees the writer under the bucket's lock, under which the writer leaves.
 *
 * A writer woken by a reader's unlock while others still read has been woken for nothing and
 * queues again, last among the writers. Nothing in the lock tells the last reader, who may
 * not look at it after its unlock.
 */
#include "sync.h"

#include <limits.h>

enum { READER = 1, WRITER = 2, FIRST_WRITER = 4 }; /* FIRST_WRITER: where writers are preferred */

struct request {
    const char *why;
    uint32_t tag; /* READER or WRITER */
    clockid_t clock;
    const struct timespec *abstime; /* NULL: for ever */
    int (*really)(pthread_rwlock_t *lock, const struct request *request);
};

static bool prefers_writers(const pthread_rwlock_t *lock)
{
    return lock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
}

/* Native threads, and in regions */

static int read_really(pthread_rwlock_t *lock, const struct request *request)
{
    if (!request->abstime)
        return real(pthread_rwlock_rdlock)(lock);
    if (request->clock == CLOCK_REALTIME)
        return real(pthread_rwlock_timedrdlock)(lock, request->abstime);
    return real(pthread_rwlock_clockrdlock)(lock, request->clock, request->abstime);
}

static int write_really(pthread_rwlock_t *lock, const struct request *request)
{
    if (!request->abstime)
        return real(pthread_rwlock_wrlock)(lock);
    if (request->clock == CLOCK_REALTIME)
        return real(pthread_rwlock_timedwrlock)(lock, request->abstime);
    return real(pthread_rwlock_clockwrlock)(lock, request->clock, request->abstime);
}

/* The lot */

static __attribute__((noinline, cold)) void wake_next(const void *lock)
{
    ut_critical_begin();
    if (!ut_lot_wake_tagged(lock, 1, FIRST_WRITER) &&
        !ut_lot_wake_tagged(lock, UINT_MAX, READER))
        ut_lot_wake_tagged(lock, 1, WRITER);
    ut_critical_end();
}

static int try_once(pthread_rwlock_t *lock, uint32_t tag)
{
    if (tag != READER)
        return pthread_rwlock_trywrlock(lock); /* not interposed */
    if (prefers_writers(lock) && ut_lot_occupied(lock)) {
        ut_critical_begin();
        bool yield = ut_lot_has(lock, FIRST_WRITER);
        ut_critical_end();
        if (yield)
            return EBUSY;
    }
    return real(pthread_rwlock_tryrdlock)(lock);
}

/* One turn in the queue: EBUSY with *OUTCOME, or what the second try said. */
static int take_turn(pthread_rwlock_t *lock, uint32_t tag, const char *why, int64_t deadline,
                     enum ut_wait_outcome *outcome)
{
    struct ut_lot_waiter waiter;
    ut_critical_begin();
    ut_lot_enqueue(&waiter, lock, tag);
    ut_shake();
    int result = try_once(lock, tag);
    ut_shake();
    if (result == EBUSY)
        *outcome = ut_lot_wait_for_lock(&waiter, why, deadline);
    else
        ut_lot_abort(&waiter);
    ut_critical_end();
    return result;
}

/* The caller leaves without the lock: it may have been woken, or readers may wait because of it. */
static int leave(const pthread_rwlock_t *lock, int error)
{
    if (ut_lot_occupied(lock))
        wake_next(lock);
    return error;
}

static int wait_in_lot(struct ut_coro *self, pthread_rwlock_t *lock, const struct request *request)
{
    int64_t deadline = ut_sync_deadline(request->clock, request->abstime);
    uint32_t tag = request->tag == WRITER && prefers_writers(lock) ? FIRST_WRITER : request->tag;
    for (;;) {
        enum ut_wait_outcome outcome = UT_WAIT_PENDING;
        int result = take_turn(lock, tag, request->why, deadline, &outcome);
        if (outcome == UT_WAIT_TIMED_OUT)
            return leave(lock, ETIMEDOUT);
        if (outcome == UT_WAIT_INTERRUPTED) {
            leave(lock, 0);
            ut_shim_attend(self, false); /* locking never fails with EINTR */
        }
        if (result == EBUSY)
            result = try_once(lock, tag);
        if (result != EBUSY)
            return result == 0 ? 0 : leave(lock, result);
    }
}

/* A try has failed: EBUSY. */
static __attribute__((noinline)) int contend(struct ut_coro *self, pthread_rwlock_t *lock,
                                             const struct request *request)
{
    if (lock->__data.__shared)
        return UT_REGION(request->why, true, request->really(lock, request));
    if (__atomic_load_n(&lock->__data.__cur_writer, __ATOMIC_RELAXED) == (int)self->thread_id)
        return EDEADLK;
    return wait_in_lot(self, lock, request);
}

static inline int acquire(struct ut_coro *self, pthread_rwlock_t *lock,
                          const struct request *request)
{
    int result = try_once(lock, request->tag);
    return __builtin_expect(result != EBUSY, 1) ? result : contend(self, lock, request);
}

static const struct request read_for_ever = {
    .why = "pthread_rwlock_rdlock", .tag = READER, .really = read_really};
static const struct request write_for_ever = {
    .why = "pthread_rwlock_wrlock", .tag = WRITER, .really = write_really};

UT_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    struct ut_coro *self = ut_shim_self();
    return self ? acquire(self, lock, &read_for_ever) : real(pthread_rwlock_rdlock)(lock);
}
UT_ALIAS(__pthread_rwlock_rdlock, pthread_rwlock_rdlock);

UT_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    struct ut_coro *self = ut_shim_self();
    return self ? acquire(self, lock, &write_for_ever) : real(pthread_rwlock_wrlock)(lock);
}
UT_ALIAS(__pthread_rwlock_wrlock, pthread_rwlock_wrlock);

UT_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return try_once(lock, READER);
}

static int acquire_until(pthread_rwlock_t *lock, const struct request *request)
{
    struct ut_coro *self = ut_shim_self();
    if (!self) {
        int result = request->really(lock, request);
        /* A native writer that gave up may have kept coroutines from reading. */
        return result == ETIMEDOUT ? leave(lock, result) : result;
    }
    /* As glibc: even if it will not be needed. */
    return ut_shim_valid_time(request->abstime) ? acquire(self, lock, request) : EINVAL;
}

UT_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
                                         const struct timespec *abstime)
{
    if (!ut_sync_valid_clock(clock))
        return EINVAL;
    return acquire_until(lock, &(struct request){__func__, READER, clock, abstime, read_really});
}

UT_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
                                         const struct timespec *abstime)
{
    if (!ut_sync_valid_clock(clock))
        return EINVAL;
    return acquire_until(lock, &(struct request){__func__, WRITER, clock, abstime, write_really});
}

UT_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *abstime)
{
    return pthread_rwlock_clockrdlock(lock, CLOCK_REALTIME, abstime);
}

UT_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *abstime)
{
    return pthread_rwlock_clockwrlock(lock, CLOCK_REALTIME, abstime);
}

/* After the real unlock LOCK is an address and nothing else, see mutex.c. */
UT_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int result = real(pthread_rwlock_unlock)(lock);
    ut_shake();
    if (ut_lot_occupied(lock))
        wake_next(lock);
    return result;
}
UT_ALIAS(__pthread_rwlock_unlock, pthread_rwlock_unlock);
