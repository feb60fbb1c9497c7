/* SPDX-License-Identifier: MIT */
/*
 * Barriers: pthread_barrier_wait(3p). glibc: nptl/pthread_barrier_wait.c. Needs no lane.
 *
 * glibc's has no try, so private barriers are ours, for native threads and coroutines, started or
 * not (the two ways of counting would not mix). glibc's pthread_barrier_init and _destroy
 * remain: the object has glibc's layout, and `in` and `out` are both 0 whenever destroy may look.
 * Process-shared barriers: glibc's function, in a blocking region.
 *
 * Arrivals are counted, and queued, under a lock in the object. So when the last one of a round
 * arrives, the others are all in the queue, before any thread of a later round; it wakes exactly as
 * many. Nobody touches the object after that lock is released: the last one only uses the address,
 * and those who are woken return. So it may be destroyed as soon as the first one returns.
 */
#include "sync.h"

/* glibc's struct pthread_barrier (sysdeps/nptl/internaltypes.h). */
struct barrier {
    unsigned in;         /* arrived in this round */
    unsigned round;      /* glibc: current_round */
    unsigned count;      /* needed for a round */
    int shared;          /* FUTEX_PRIVATE (0) or FUTEX_SHARED */
    struct ut_lock lock; /* glibc: out; our lock is 0 while nobody holds it */
};
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "glibc's layout");

/* A round's tag: those of the next rounds may queue while this one's are still being woken. */
static uint32_t tag_of(unsigned round)
{
    return UINT32_C(1) << round % 32;
}

UT_EXPORT int pthread_barrier_wait(pthread_barrier_t *object)
{
    struct barrier *barrier = (struct barrier *)(void *)object;
    struct ut_lot_waiter waiter;
    if (barrier->shared)
        return UT_REGION("pthread_barrier_wait", true, real(pthread_barrier_wait)(object));
    ut_critical_begin();
    ut_lock_acquire(&barrier->lock);
    unsigned count = barrier->count;
    uint32_t tag = tag_of(barrier->round);
    bool last = ++barrier->in == count;
    if (last) {
        barrier->in = 0;
        barrier->round++;
    } else {
        ut_lot_enqueue(&waiter, barrier, tag);
    }
    ut_lock_release(&barrier->lock);
    if (last)
        ut_lot_wake_tagged(barrier, count - 1, tag);
    else
        ut_sync_wait(&waiter, "pthread_barrier_wait", UT_FOREVER, false);
    ut_critical_end();
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

/*
 * A wait in the lot that handlers do not disturb, for condition variables and barriers: there
 * nothing in the object says whether we were woken, so our place in the queue must not be given
 * up, not even for a moment.
 *
 * When a coroutine's wait ends otherwise than by a waker, its waiter becomes, under the bucket's
 * lock, one of the kind that native threads use: a word that the waker sets. So while handlers run
 * on the coroutine it is still in the queue. Then, under the lock again, it becomes
 * the waiter of a new wait.
 *
 *      wait ends by       waiter still queued           a waker has taken it out
 *      deadline           dequeue, TIMED_OUT            WOKEN: the waker counts on nobody, but
 *      handler            note, run it, wait on         it may have found nobody else either
 *      cancellation       dequeue, INTERRUPTED          WOKEN; the cancellation remains pending
 */

struct stay {
    struct ut_lot_waiter *waiter;
    bool open; /* outside the critical section, where handlers may unwind the stack */
};

/* Cleanup when a handler or an asynchronous cancellation unwinds the stack. */
static void abandon(struct stay *stay)
{
    const void *address = stay->waiter->address;
    if (!stay->open)
        return;
    ut_critical_begin();
    if (ut_lot_abort(stay->waiter))
        ut_lot_wake(address, 1); /* it was meant for a thread that goes on */
    ut_critical_end();
}

/*
 * SELF waits no more, but stays queued: a waker only sets the word. False if one has taken it out
 * already; as that one may no longer look at the waiter, the caller's frame may go.
 */
static bool stay_queued(struct ut_lot_waiter *waiter)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(waiter->address);
    ut_lock_acquire(&bucket->lock);
    bool queued = waiter->queued;
    if (queued)
        waiter->coro = NULL;
    ut_lock_release(&bucket->lock);
    return queued;
}

/* SELF waits again. False if it was woken meanwhile. */
static bool wait_again(struct ut_lot_waiter *waiter, struct ut_coro *self)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(waiter->address);
    ut_lock_acquire(&bucket->lock);
    bool queued = waiter->queued;
    if (queued) {
        waiter->ticket = ut_wait_begin(self);
        waiter->coro = self;
    }
    ut_lock_release(&bucket->lock);
    return queued;
}

static bool is_cancelled(struct ut_coro *self)
{
    int state;
    if (!ut_shim_cancel_pending(self))
        return false;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, NULL);
    return state == PTHREAD_CANCEL_ENABLE;
}

/* The waiter is dequeued, if no waker has done it. */
static enum ut_wait_outcome give_up(struct ut_lot_waiter *waiter, enum ut_wait_outcome outcome)
{
    return ut_lot_abort(waiter) ? UT_WAIT_WOKEN : outcome;
}

static enum ut_wait_outcome wait_as_coroutine(struct stay *stay, struct ut_coro *self,
                                              const char *why, int64_t deadline, bool cancellable)
{
    for (;;) {
        enum ut_wait_outcome outcome = ut_wait_suspend(self, why, deadline);
        ut_shake();
        if (outcome == UT_WAIT_WOKEN || !stay_queued(stay->waiter))
            return UT_WAIT_WOKEN;
        if (outcome == UT_WAIT_TIMED_OUT)
            return give_up(stay->waiter, outcome);
        stay->open = true;
        ut_critical_end();
        ut_shim_attend(self, false);
        ut_critical_begin();
        stay->open = false;
        if (ut_tls.coro != self) /* a handler forked: we are the child, whose lot is empty */
            return UT_WAIT_WOKEN;
        if (cancellable && is_cancelled(self))
            return give_up(stay->waiter, UT_WAIT_INTERRUPTED);
        if (!wait_again(stay->waiter, self))
            return give_up(stay->waiter, UT_WAIT_WOKEN);
    }
}

/*
 * Sleep in the kernel as glibc's own cancellation points do, in asynchronous mode: a cancellation
 * unwinds from here. Not inlined: the system call itself would lie outside the cleanup's region.
 */
static __attribute__((noinline)) long sleep_natively(_Atomic uint32_t *word, int64_t deadline,
                                                  bool cancellable)
{
    int type;
    if (!cancellable)
        return ut_sys_futex_wait(word, UT_WAIT_PENDING, deadline);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long result = ut_sys_futex_wait(word, UT_WAIT_PENDING, deadline);
    pthread_setcanceltype(type, NULL);
    return result;
}

/* Here handlers run inside the sleep, in the kernel's way. */
static enum ut_wait_outcome wait_as_native(struct stay *stay, int64_t deadline, bool cancellable)
{
    _Atomic uint32_t *word = &stay->waiter->woken;
    while (atomic_load(word) == UT_WAIT_PENDING) {
        ut_shake();
        stay->open = true;
        ut_critical_end();
        long result = sleep_natively(word, deadline, cancellable);
        ut_critical_begin();
        stay->open = false;
        if (result == -ETIMEDOUT)
            return give_up(stay->waiter, UT_WAIT_TIMED_OUT);
    }
    return UT_WAIT_WOKEN;
}

enum ut_wait_outcome ut_sync_wait(struct ut_lot_waiter *waiter, const char *why, int64_t deadline,
                                  bool cancellable)
{
    struct stay stay __attribute__((cleanup(abandon))) = {.waiter = waiter};
    if (waiter->coro)
        return wait_as_coroutine(&stay, waiter->coro, why, deadline, cancellable);
    return wait_as_native(&stay, deadline, cancellable);
}
