/* SPDX-License-Identifier: MIT */
/*
 * Mutexes: pthread_mutex_lock(3p), pthread_mutex_timedlock(3p), pthread_mutex_unlock(3p).
 * glibc: nptl/pthread_mutex_lock.c, _trylock.c, _timedlock.c, _unlock.c. All need no lane.
 *
 * The mutex is glibc's: locked by glibc's trylock with the coroutine's own TCB, so owner, type,
 * count, robust list are as natively. Only the waiting differs.
 *
 *      caller       mutex                        waits
 *      native       any but the next lines       in the kernel, by glibc
 *      coroutine    process-shared or robust     in the kernel, in a blocking region
 *      coroutine    other                        in the lot
 *      any          priority-inheriting          in the lot, once the runtime has started
 *
 * Robust ones: when an owner dies the kernel (or ut_tcb_abandon_robust) wakes the futex, so that is
 * where to sleep. Inheriting ones: the kernel finds the owner by its thread id, and has never
 * heard of a coroutine's; it must not be asked. Inheriting and shared with another process: nobody
 * in this process learns of the other's unlock, so the wait is cut into slices.
 *
 * No lost wake-up. A waiter W enqueues (E, sequentially consistent), then tries (T). An unlocker
 * frees the word (U, an atomic read-modify-write), then looks at the bucket's count (L). If T
 * fails, then some owner holds the mutex at T, and its U comes after T, so its L comes after E
 * and sees W. It wakes the first in the queue, who is W or was there before W; and who is woken
 * tries again before it queues again, behind W. So either it gets the mutex, and will unlock it,
 * or somebody else has it, and will: each unlock brings W one place nearer. Whoever leaves the
 * queue otherwise (deadline, handler) is not counted by the waker, which wakes the next instead
 * (ut_lot_wake_next). And who leaves with a wake-up but without the mutex (ENOTRECOVERABLE)
 * hands it on (pass_on).
 *
 * One on its way. An unlocker does not wake another while one that was woken has not arrived: that one,
 * V, first withdraws the note (A), then tries. If it gets the mutex, its unlock looks for W. If not, some
 * owner holds it at V's try, its unlock comes after A, and so does its look: it sees no note, or that of
 * a later wake-up, of which the same holds. So the chain goes on as long as somebody is queued. V may be slow
 * to arrive, and the mutex be free meanwhile, as natively: there, too, an unlock wakes one, and
 * those that follow until it has run wake nobody.
 *
 * Fairness. None, as natively: who comes along takes a free mutex, and a woken waiter that comes
 * too late goes to the end. Handing the mutex over would need another owner in glibc's words, and
 * would make each unlock of a busy mutex a switch. As natively, too, a waiter can starve only
 * while others get the mutex again and again.
 */
#include "sync.h"

#define SLICE (2 * UT_MILLISECOND)

enum { /* glibc: nptl/pthreadP.h; in __kind, part of the ABI through the static initialisers */
    TYPE_MASK = 3,
    TYPE_ERRORCHECK = 2,
    KIND_ROBUST = 16,
    KIND_INHERIT = 32,
    KIND_SHARED = 128,
};

/* What a locker asks for besides the mutex. */
struct request {
    const char *why;
    clockid_t clock;
    const struct timespec *abstime; /* NULL: for ever */
};

static const struct request for_ever = {.why = "pthread_mutex_lock"};

static inline int kind_of(const pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED);
}

bool ut_mutex_is_shared(const pthread_mutex_t *mutex)
{
    return kind_of(mutex) & KIND_SHARED;
}

static inline __attribute__((always_inline)) int lock_really(pthread_mutex_t *mutex,
                                                             const struct request *request)
{
    if (!request->abstime)
        return real(pthread_mutex_lock)(mutex);
    if (request->clock == CLOCK_REALTIME)
        return real(pthread_mutex_timedlock)(mutex, request->abstime);
    return real(pthread_mutex_clocklock)(mutex, request->clock, request->abstime);
}

/*
 * After a robust inheriting mutex's owner died glibc had the kernel lock it, for the carrier's
 * id. The caller is its owner; others change only the waiters' bit.
 */
static void put_own_id(pthread_mutex_t *mutex, const struct ut_coro *self)
{
    int before = __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED);
    int own;
    do
        own = (before & ~FUTEX_TID_MASK) | (int)self->thread_id;
    while (!__atomic_compare_exchange_n(&mutex->__data.__lock, &before, own, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

static inline int try_to_lock(pthread_mutex_t *mutex)
{
    int result = real(pthread_mutex_trylock)(mutex);
    if (__builtin_expect(result == EOWNERDEAD, 0) && ut_tls.coro &&
        (kind_of(mutex) & KIND_INHERIT))
        put_own_id(mutex, ut_tls.coro);
    return result;
}

static __attribute__((noinline, cold)) void wake_one(const void *mutex)
{
    ut_critical_begin();
    ut_lot_wake_next(mutex);
    ut_critical_end();
}

/* The caller was woken, but RESULT may say that it does not have the mutex: the next one's turn. */
static int pass_on(const pthread_mutex_t *mutex, int result)
{
    if (result != 0 && result != EOWNERDEAD && ut_lot_occupied(mutex))
        wake_one(mutex);
    return result;
}

/* One turn in the lot: EBUSY with *OUTCOME, or what the second try said. */
static int take_turn(pthread_mutex_t *mutex, const char *why, int64_t deadline,
                     enum ut_wait_outcome *outcome)
{
    struct ut_lot_waiter waiter;
    ut_critical_begin();
    ut_lot_enqueue(&waiter, mutex, UT_SYNC_ANY);
    ut_shake();
    int result = try_to_lock(mutex);
    ut_shake();
    if (result == EBUSY)
        *outcome = ut_lot_wait_for_lock(&waiter, why, deadline);
    else
        ut_lot_abort(&waiter); /* a wake-up taken with it is not owed: our unlock wakes the next */
    ut_critical_end();
    return result;
}

static int wait_in_lot(struct ut_coro *self, pthread_mutex_t *mutex, const char *why,
                       int64_t deadline)
{
    bool sliced = ut_mutex_is_shared(mutex);
    for (;;) {
        enum ut_wait_outcome outcome = UT_WAIT_PENDING;
        int64_t end = deadline;
        if (sliced && ut_clock_add(ut_clock_now(), SLICE) < deadline)
            end = ut_clock_add(ut_clock_now(), SLICE);
        int result = take_turn(mutex, why, end, &outcome);
        if (result != EBUSY)
            return pass_on(mutex, result);
        if (outcome == UT_WAIT_TIMED_OUT && end == deadline)
            return ETIMEDOUT;
        if (outcome == UT_WAIT_INTERRUPTED && self)
            ut_shim_attend(self, false); /* locking a mutex never fails with EINTR */
        result = try_to_lock(mutex);
        if (result != EBUSY)
            return pass_on(mutex, result);
    }
}

/* A try has failed: EBUSY. SELF is NULL on native threads. */
static __attribute__((noinline)) int contend(struct ut_coro *self, pthread_mutex_t *mutex,
                                             const struct request *request)
{
    int kind = kind_of(mutex);
    bool virtual = self || (ut_shim_started() && !ut_tls.internal && !ut_tls.critical);
    if (!virtual)
        return lock_really(mutex, request);
    if (!(kind & KIND_INHERIT) && (kind & (KIND_SHARED | KIND_ROBUST)))
        return UT_REGION(request->why, true, lock_really(mutex, request));
    if (self && (kind & TYPE_MASK) == TYPE_ERRORCHECK &&
        mutex->__data.__owner == (int)self->thread_id)
        return EDEADLK;
    /* Only now, as natively: a call that does not block does not look at its deadline. */
    if (request->abstime && !ut_shim_valid_time(request->abstime))
        return EINVAL;
    return wait_in_lot(self, mutex, request->why,
                       ut_sync_deadline(request->clock, request->abstime));
}

static inline int lock(pthread_mutex_t *mutex, const struct request *request)
{
    struct ut_coro *self = ut_shim_self();
    if (!self && __builtin_expect(!(kind_of(mutex) & KIND_INHERIT), 1))
        return lock_really(mutex, request);
    int result = try_to_lock(mutex);
    return __builtin_expect(result != EBUSY, 1) ? result : contend(self, mutex, request);
}

int ut_mutex_lock(pthread_mutex_t *mutex)
{
    return lock(mutex, &for_ever);
}

UT_EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return lock(mutex, &for_ever);
}
UT_ALIAS(__pthread_mutex_lock, pthread_mutex_lock);

UT_EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return try_to_lock(mutex);
}
UT_ALIAS(__pthread_mutex_trylock, pthread_mutex_trylock);

UT_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *abstime)
{
    struct request request = {"pthread_mutex_timedlock", CLOCK_REALTIME, abstime};
    return lock(mutex, &request);
}

UT_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
                                      const struct timespec *abstime)
{
    struct request request = {"pthread_mutex_clocklock", clock, abstime};
    return ut_sync_valid_clock(clock) ? lock(mutex, &request) : EINVAL;
}

/*
 * Once the real unlock has freed the mutex, another thread may destroy it and unmap its memory:
 * from there on it is an address and nothing else. Unlocking a recursive mutex that
 * stays locked wakes one waiter for nothing; so does an error.
 */
static inline int unlock(pthread_mutex_t *mutex)
{
    int result = real(pthread_mutex_unlock)(mutex);
    ut_shake();
    if (ut_lot_occupied(mutex) && !ut_lot_next_on_its_way(mutex))
        wake_one(mutex);
    return result;
}

int ut_mutex_unlock(pthread_mutex_t *mutex)
{
    return unlock(mutex);
}

UT_EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    return unlock(mutex);
}
UT_ALIAS(__pthread_mutex_unlock, pthread_mutex_unlock);
