/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "wait.h"

#include <stddef.h>

void ut_timers_init(struct ut_timers *timers)
{
    timers->lock = (struct ut_lock){0};
    timers->root = NULL;
    atomic_init(&timers->earliest, UT_FOREVER);
}

/* Both are roots or NULL; the result has no siblings. */
static struct ut_timer *meld(struct ut_timer *a, struct ut_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->deadline < a->deadline) {
        struct ut_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next)
        b->next->link = &b->next;
    b->link = &a->child;
    a->child = b;
    return a;
}

/* Two-pass pairing of a sibling list, iteratively: lists can be as long as there are timers. */
static struct ut_timer *pair(struct ut_timer *first)
{
    struct ut_timer *pairs = NULL;
    while (first) {
        struct ut_timer *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        a = meld(a, b);
        a->next = pairs; /* a stack of pairs, for the second pass from the right */
        pairs = a;
    }
    struct ut_timer *root = NULL;
    while (pairs) {
        struct ut_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

/* The caller holds the heap's lock. */
static void set_root(struct ut_timers *timers, struct ut_timer *root)
{
    timers->root = root;
    if (root)
        root->link = &timers->root;
    atomic_store_explicit(&timers->earliest, root ? root->deadline : UT_FOREVER,
                          memory_order_relaxed);
}

/* The caller holds the heap's lock and TIMER is in the heap. */
static void take_out(struct ut_timers *timers, struct ut_timer *timer)
{
    struct ut_timer *orphans = pair(timer->child);
    timer->child = NULL;
    timer->heap = NULL;
    if (timers->root == timer) {
        set_root(timers, orphans);
        return;
    }
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->next = NULL;
    set_root(timers, meld(timers->root, orphans));
}

bool ut_timer_arm(struct ut_timers *timers, struct ut_timer *timer)
{
    timer->child = timer->next = NULL;
    ut_lock_acquire(&timers->lock);
    timer->heap = timers;
    set_root(timers, meld(timers->root, timer));
    bool first = timers->root == timer;
    ut_lock_release(&timers->lock);
    return first;
}

void ut_timer_disarm(struct ut_timer *timer)
{
    /* Nobody but us arms it, so a heap seen here can only change to NULL meanwhile. */
    struct ut_timers *timers = __atomic_load_n(&timer->heap, __ATOMIC_RELAXED);
    if (!timers)
        return;
    ut_lock_acquire(&timers->lock);
    if (timer->heap)
        take_out(timers, timer);
    ut_lock_release(&timers->lock);
}

unsigned ut_timers_expire(struct ut_timers *timers, int64_t now)
{
    unsigned fired = 0;
    while (ut_timers_earliest(timers) <= now) {
        ut_lock_acquire(&timers->lock);
        struct ut_timer *timer = timers->root;
        if (!timer || timer->deadline > now) {
            ut_lock_release(&timers->lock);
            break;
        }
        take_out(timers, timer);
        /* After the lock is gone the coroutine may run on, and the timer with it. */
        struct ut_coro *coro = timer->coro;
        uint64_t ticket = timer->ticket;
        ut_lock_release(&timers->lock);
        fired += ut_wait_end(coro, ticket, UT_WAIT_TIMED_OUT);
    }
    return fired;
}
