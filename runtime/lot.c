/* SPDX-License-Identifier: MIT */
#include "lot.h"

#include "account.h"
#include "coro.h"
#include "critical.h"
#include "sched.h"
#include "shake.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum { WAKE_BATCH = 64 };

_Alignas(4096) struct ut_lot_bucket ut_lot_buckets[1 << UT_LOT_BITS]; /* see ut_lot_forked */

/* The caller holds the bucket's lock for all of these. */

static void append(struct ut_lot_bucket *bucket, struct ut_lot_waiter *waiter)
{
    waiter->next = NULL;
    waiter->previous = bucket->last;
    if (bucket->last)
        bucket->last->next = waiter;
    else
        bucket->first = waiter;
    bucket->last = waiter;
    waiter->queued = true;
    /* Sequentially consistent: pairs with ut_lot_occupied. */
    atomic_fetch_add(&bucket->count, 1);
}

static void take_out(struct ut_lot_bucket *bucket, struct ut_lot_waiter *waiter)
{
    if (waiter->previous)
        waiter->previous->next = waiter->next;
    else
        bucket->first = waiter->next;
    if (waiter->next)
        waiter->next->previous = waiter->previous;
    else
        bucket->last = waiter->previous;
    waiter->queued = false;
    atomic_fetch_sub(&bucket->count, 1);
}

/* Lock the bucket where WAITER is queued, which a requeue may change meanwhile. */
static struct ut_lot_bucket *lock_bucket_of(struct ut_lot_waiter *waiter)
{
    for (;;) {
        const void *address = __atomic_load_n(&waiter->address, __ATOMIC_ACQUIRE);
        struct ut_lot_bucket *bucket = ut_lot_bucket(address);
        ut_lock_acquire(&bucket->lock);
        if (__atomic_load_n(&waiter->address, __ATOMIC_RELAXED) == address)
            return bucket;
        ut_lock_release(&bucket->lock);
    }
}

void ut_lot_enqueue(struct ut_lot_waiter *waiter, const void *address, uint32_t tag)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(address);
    waiter->address = address;
    waiter->coro = ut_tls.coro;
    waiter->tag = tag;
    atomic_init(&waiter->woken, UT_WAIT_PENDING);
    if (waiter->coro)
        waiter->ticket = ut_wait_begin(waiter->coro);
    ut_lock_acquire(&bucket->lock);
    append(bucket, waiter);
    ut_lock_release(&bucket->lock);
}

/* True if it was still queued. */
static bool dequeue(struct ut_lot_waiter *waiter)
{
    struct ut_lot_bucket *bucket = lock_bucket_of(waiter);
    bool queued = waiter->queued;
    if (queued)
        take_out(bucket, waiter);
    ut_lock_release(&bucket->lock);
    return queued;
}

/*
 * WAITER has been woken, and will try for what it waited for. Sequentially consistent, before it tries
 * and before it queues again: an owner that it then finds cannot have seen it on its way.
 */
static void arrive(const struct ut_lot_waiter *waiter)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(waiter->address);
    const void *mine = waiter->address;
    if (atomic_load_explicit(&bucket->on_its_way, memory_order_relaxed) == mine)
        atomic_compare_exchange_strong(&bucket->on_its_way, &mine, NULL);
}

static enum ut_wait_outcome wait_natively(struct ut_lot_waiter *waiter, int64_t deadline)
{
    enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
    while (atomic_load(&waiter->woken) == UT_WAIT_PENDING) {
        ut_critical_end(); /* handlers may run while it sleeps */
        long result = ut_sys_futex_wait(&waiter->woken, UT_WAIT_PENDING, deadline);
        ut_critical_begin();
        if (result == -ETIMEDOUT)
            outcome = UT_WAIT_TIMED_OUT;
        else if (result == -EINTR)
            outcome = UT_WAIT_INTERRUPTED;
        else
            continue;
        if (dequeue(waiter))
            return outcome;
        /* Not queued: somebody is waking us right now, and touches the frame until it has. */
        deadline = UT_FOREVER;
    }
    arrive(waiter);
    return UT_WAIT_WOKEN;
}

enum ut_wait_outcome ut_lot_wait(struct ut_lot_waiter *waiter, const char *why, int64_t deadline)
{
    if (!waiter->coro)
        return wait_natively(waiter, deadline);
    enum ut_wait_outcome outcome = ut_wait_suspend(waiter->coro, why, deadline);
    if (outcome == UT_WAIT_WOKEN)
        arrive(waiter);
    else
        dequeue(waiter);
    return outcome;
}

enum ut_wait_outcome ut_lot_wait_for_lock(struct ut_lot_waiter *waiter, const char *why,
                                          int64_t deadline)
{
    if (__builtin_expect(!ut_account_is_kept(), 1) || !waiter->coro)
        return ut_lot_wait(waiter, why, deadline);
    struct ut_episode wait = {.what = why, .lock = waiter->address, .since = ut_clock_now()};
    enum ut_wait_outcome outcome = ut_lot_wait(waiter, why, deadline);
    ut_account_waited(waiter->coro, &wait);
    return outcome;
}

bool ut_lot_abort(struct ut_lot_waiter *waiter)
{
    if (dequeue(waiter)) {
        if (waiter->coro)
            ut_wait_cancel(waiter->coro);
        return false;
    }
    ut_lot_wait(waiter, "wake-up", UT_FOREVER);
    return true;
}

/*
 * Whom to wake, gathered under a bucket's lock and woken after it is released: a wake may take
 * other locks and make system calls.
 */
struct wake_list {
    unsigned length;
    struct {
        struct ut_coro *coro;
        uint64_t ticket;
        _Atomic uint32_t *word;
    } entry[WAKE_BATCH]; /* the first LENGTH are set */
};

static void gather(struct wake_list *list, struct ut_lot_waiter *waiter)
{
    list->entry[list->length].coro = waiter->coro;
    list->entry[list->length].ticket = waiter->ticket;
    list->entry[list->length].word = &waiter->woken;
    list->length++;
}

/* How many of them really were still waiting. */
static unsigned wake_gathered(struct wake_list *list)
{
    unsigned woken = 0;
    for (unsigned i = 0; i < list->length; i++) {
        ut_shake();
        if (list->entry[i].coro) {
            woken += ut_wait_end(list->entry[i].coro, list->entry[i].ticket, UT_WAIT_WOKEN);
            continue;
        }
        /* Once the word is set the native thread may return: its stack stays mapped, no more. */
        atomic_store(list->entry[i].word, UT_WAIT_WOKEN);
        ut_shake();
        ut_sys_futex_wake(list->entry[i].word, 1);
        woken++;
    }
    return woken;
}

/* The caller holds the bucket's lock. */
static void gather_some(struct ut_lot_bucket *bucket, const void *address, unsigned most,
                        uint32_t tags, struct wake_list *list)
{
    struct ut_lot_waiter *waiter = bucket->first, *next;
    for (; waiter && list->length < most && list->length < WAKE_BATCH; waiter = next) {
        next = waiter->next;
        if (waiter->address == address && (waiter->tag & tags)) {
            take_out(bucket, waiter);
            gather(list, waiter);
        }
    }
}

unsigned ut_lot_wake_tagged(const void *address, unsigned most, uint32_t tags)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(address);
    unsigned woken = 0;
    while (woken < most) {
        struct wake_list list;
        list.length = 0;
        ut_lock_acquire(&bucket->lock);
        gather_some(bucket, address, most - woken, tags, &list);
        ut_lock_release(&bucket->lock);
        if (!list.length)
            break;
        /* One that was timing out or interrupted does not count: somebody else gets its turn. */
        woken += wake_gathered(&list);
    }
    return woken;
}

void ut_lot_wake_next(const void *address)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(address);
    struct wake_list list;
    do {
        list.length = 0;
        ut_lock_acquire(&bucket->lock);
        gather_some(bucket, address, 1, ~0u, &list);
        /*
         * Under the lock: whoever queues after it was found empty sees to it, by the order of its
         * own steps, that the owner it meets looks again.
         */
        const void *mine = address;
        if (list.length)
            atomic_store(&bucket->on_its_way, address);
        else
            atomic_compare_exchange_strong(&bucket->on_its_way, &mine, NULL);
        ut_lock_release(&bucket->lock);
        ut_shake();
    } while (list.length && !wake_gathered(&list)); /* it was timing out: the next one's turn */
}

bool ut_lot_has(const void *address, uint32_t tags)
{
    struct ut_lot_bucket *bucket = ut_lot_bucket(address);
    bool found = false;
    ut_lock_acquire(&bucket->lock);
    for (struct ut_lot_waiter *waiter = bucket->first; waiter && !found; waiter = waiter->next)
        found = waiter->address == address && (waiter->tag & tags);
    ut_lock_release(&bucket->lock);
    return found;
}

static void lock_two(struct ut_lot_bucket *a, struct ut_lot_bucket *b)
{
    ut_lock_acquire(a < b ? &a->lock : &b->lock);
    if (a != b)
        ut_lock_acquire(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct ut_lot_bucket *a, struct ut_lot_bucket *b)
{
    ut_lock_release(&a->lock);
    if (a != b)
        ut_lock_release(&b->lock);
}

unsigned ut_lot_requeue(const void *from, const void *to, unsigned most, unsigned moved,
                        unsigned *woken)
{
    struct ut_lot_bucket *source = ut_lot_bucket(from), *target = ut_lot_bucket(to);
    unsigned moves = 0;
    *woken = ut_lot_wake(from, most);
    lock_two(source, target);
    struct ut_lot_waiter *waiter = source->first, *next;
    for (; waiter && moves < moved && from != to; waiter = next) {
        next = waiter->next;
        if (waiter->address != from)
            continue;
        take_out(source, waiter);
        __atomic_store_n(&waiter->address, to, __ATOMIC_RELEASE); /* see lock_bucket_of */
        append(target, waiter);
        moves++;
    }
    unlock_two(source, target);
    return *woken + moves;
}

void ut_lot_forked(void)
{
    /* The pages are zero again when they are next touched, and nobody touches them now. */
    if (ut_syscall3(SYS_madvise, ut_lot_buckets, sizeof ut_lot_buckets, MADV_DONTNEED) < 0)
        memset(ut_lot_buckets, 0, sizeof ut_lot_buckets); /* larger pages than the alignment */
}
