/* SPDX-License-Identifier: MIT */
/*
 * The parking lot: coroutines and native threads that wait for something at an address, a mutex,
 * a condition variable, a futex word. It keeps nothing in the object itself: glibc's objects
 * and their layout stay glibc's.
 *
 * To wait without losing a wake-up: enqueue, then try once more, and only then wait. To wake:
 * change the object by an atomic read-modify-write, then ut_lot_wake. Either the waiter's second try sees
 * the change, or the waker sees the waiter.
 */
#ifndef UT_LOT_H
#define UT_LOT_H

#include "clock.h"
#include "lock.h"
#include "wait.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ut_coro;

struct ut_lot_waiter {
    struct ut_lot_waiter *next, *previous;
    const void *address;     /* changed by ut_lot_requeue, under both buckets' locks */
    struct ut_coro *coro;    /* NULL: a native thread, which sleeps on the word below */
    uint64_t ticket;
    _Atomic uint32_t woken;  /* native: enum ut_wait_outcome */
    uint32_t tag;            /* the caller's: reader or writer, a futex bit set */
    bool queued;             /* under the bucket's lock */
};

struct ut_lot_bucket {
    struct ut_lock lock;
    _Atomic uint32_t count; /* of waiters; changed under the lock, read without */
    struct ut_lot_waiter *first, *last;
    _Atomic(const void *) on_its_way; /* see ut_lot_wake_next */
} __attribute__((aligned(32)));

_Static_assert(sizeof(struct ut_lot_bucket) == 32, "two in a line of the cache");

/* With a million waiters at as many addresses there are thirty in a bucket: a wake-up looks at each. */
enum { UT_LOT_BITS = 15 };

extern struct ut_lot_bucket ut_lot_buckets[1 << UT_LOT_BITS];

static inline struct ut_lot_bucket *ut_lot_bucket(const void *address)
{
    uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);
    return &ut_lot_buckets[hash >> (64 - UT_LOT_BITS)];
}

/*
 * May anybody wait at ADDRESS? Call after the object was changed by an atomic read-modify-write,
 * which is a full barrier on x86-64; elsewhere the fence makes it one. Pairs with the sequentially
 * consistent increment in ut_lot_enqueue.
 */
static inline bool ut_lot_occupied(const void *address)
{
#ifndef __x86_64__
    atomic_thread_fence(memory_order_seq_cst);
#endif
    return __builtin_expect(
        atomic_load_explicit(&ut_lot_bucket(address)->count, memory_order_relaxed), 0);
}

/* Queue the caller, coroutine or native thread, at ADDRESS, last. In a critical section. */
void ut_lot_enqueue(struct ut_lot_waiter *waiter, const void *address, uint32_t tag);

/*
 * The second try succeeded: do not wait after all. If a waker has chosen us already, its wake-up
 * is taken, so that it cannot hit a later wait; true then, and the caller may owe it to another.
 */
bool ut_lot_abort(struct ut_lot_waiter *waiter);

/*
 * Wait, after ut_lot_enqueue, until woken, interrupted or DEADLINE; dequeues in any case. A
 * native thread is interrupted by its handlers in the kernel's way. In a critical section (which a
 * native thread leaves while it sleeps).
 */
enum ut_wait_outcome ut_lot_wait(struct ut_lot_waiter *waiter, const char *why, int64_t deadline);

/*
 * The same for a lock, a coroutine's: enters the wait into the account, if there is one. It does not
 * have the lock yet when this returns.
 */
enum ut_wait_outcome ut_lot_wait_for_lock(struct ut_lot_waiter *waiter, const char *why,
                                          int64_t deadline);

/* Wake up to MOST of those at ADDRESS whose tag has a bit of TAGS; how many. Critical section. */
unsigned ut_lot_wake_tagged(const void *address, unsigned most, uint32_t tags);

static inline unsigned ut_lot_wake(const void *address, unsigned most)
{
    return ut_lot_wake_tagged(address, most, ~0u);
}

/*
 * Wake the first at ADDRESS, unless one that was woken so is still on its way: for locks, where
 * who is woken tries again, and wakes the next itself when it has had the lock (or queues again, and whoever
 * has it then does). A lock that is taken and freed a thousand times until the woken one runs
 * would else wake all that wait, of whom one can get it. Critical section.
 */
void ut_lot_wake_next(const void *address);

/* Is one on its way to ADDRESS? After the same read-modify-write as for ut_lot_occupied. */
static inline bool ut_lot_next_on_its_way(const void *address)
{
    return atomic_load_explicit(&ut_lot_bucket(address)->on_its_way, memory_order_relaxed) == address;
}

/* Does anybody with a bit of TAGS wait at ADDRESS? Critical section. */
bool ut_lot_has(const void *address, uint32_t tags);

/* Wake up to MOST at FROM, move up to MOVED more to TO without waking them. Woken plus moved. */
unsigned ut_lot_requeue(const void *from, const void *to, unsigned most, unsigned moved,
                        unsigned *woken);

/* In a forked child: nobody waits. */
void ut_lot_forked(void);

#endif
