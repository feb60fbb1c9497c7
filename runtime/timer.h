/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of waiting coroutines: one heap per lane (an intrusive pairing heap, so that arming
 * a timer allocates nothing). A timer is armed on the lane its coroutine leaves and may be
 * disarmed from any other; the heap's lock covers both. Expiry only ever ends a wait.
 */
#ifndef UT_TIMER_H
#define UT_TIMER_H

#include "clock.h"
#include "lock.h"

#include <stdbool.h>

struct ut_coro;
struct ut_timers;

struct ut_timer {
    int64_t deadline;
    struct ut_coro *coro;
    uint64_t ticket;         /* of the wait that it ends */
    struct ut_timers *heap;  /* where it is armed, or NULL; changed under that heap's lock */
    struct ut_timer *child;  /* first of those with later deadlines */
    struct ut_timer *next;   /* sibling */
    struct ut_timer **link;  /* the pointer that points here */
};

struct ut_timers {
    struct ut_lock lock;
    struct ut_timer *root;
    _Atomic int64_t earliest; /* written under the lock, read by anybody; UT_FOREVER when empty */
};

void ut_timers_init(struct ut_timers *timers);

/* Arm TIMER, whose deadline, coro and ticket are set. True if it is now the earliest. */
bool ut_timer_arm(struct ut_timers *timers, struct ut_timer *timer);

/* Disarm; nothing happens if it has fired or was never armed. Only its own coroutine calls this. */
void ut_timer_disarm(struct ut_timer *timer);

/* End the waits whose deadline is not after NOW; how many. On the scheduler's stack of a carrier. */
unsigned ut_timers_expire(struct ut_timers *timers, int64_t now);

static inline int64_t ut_timers_earliest(struct ut_timers *timers)
{
    return atomic_load_explicit(&timers->earliest, memory_order_relaxed);
}

#endif
