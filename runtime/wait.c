/* SPDX-License-Identifier: MIT */
#include "wait.h"

#include "clock.h"
#include "coro.h"
#include "sched.h"
#include "shake.h"

enum { OUTCOME_BITS = 8, OUTCOME_MASK = 0xff };

uint64_t ut_wait_begin(struct ut_coro *self)
{
    uint64_t ticket =
        (atomic_load_explicit(&self->wait, memory_order_relaxed) >> OUTCOME_BITS) + 1;
    atomic_store_explicit(&self->parking, UT_CORO_RUNNING, memory_order_relaxed);
    /* Pairs with ut_wait_interrupt: either it sees this wait, or we see self->interrupted. */
    atomic_store(&self->wait, ticket << OUTCOME_BITS | UT_WAIT_PENDING);
    return ticket;
}

static bool decide(struct ut_coro *coro, uint64_t ticket, enum ut_wait_outcome outcome)
{
    uint64_t pending = ticket << OUTCOME_BITS | UT_WAIT_PENDING;
    return atomic_compare_exchange_strong(&coro->wait, &pending, ticket << OUTCOME_BITS | outcome);
}

enum ut_wait_outcome ut_wait_suspend(struct ut_coro *self, const char *why, int64_t deadline)
{
    uint64_t ticket = atomic_load_explicit(&self->wait, memory_order_relaxed) >> OUTCOME_BITS;
    ut_shake_and_move(self);
    /* If we decide our own wait, nobody else makes us runnable, and we must not switch away. */
    if (atomic_load(&self->interrupted) && decide(self, ticket, UT_WAIT_INTERRUPTED))
        return UT_WAIT_INTERRUPTED;
    ut_shake();
    if (deadline != UT_FOREVER) {
        self->timer.deadline = deadline;
        self->timer.coro = self;
        self->timer.ticket = ticket;
        ut_sched_arm(self, &self->timer);
    }
    self->why = why;
    ut_shake();
    ut_sched_park(self);
    ut_shake();
    self->why = NULL;
    if (deadline != UT_FOREVER)
        ut_timer_disarm(&self->timer);
    return atomic_load_explicit(&self->wait, memory_order_relaxed) & OUTCOME_MASK;
}

void ut_wait_cancel(struct ut_coro *self)
{
    uint64_t ticket = atomic_load_explicit(&self->wait, memory_order_relaxed) >> OUTCOME_BITS;
    /* Lost to ut_wait_interrupt: its wake-up is on the way, and must find us parking. */
    ut_shake();
    if (!decide(self, ticket, UT_WAIT_WOKEN))
        ut_sched_park(self);
}

bool ut_wait_end(struct ut_coro *coro, uint64_t ticket, enum ut_wait_outcome outcome)
{
    if (!decide(coro, ticket, outcome))
        return false;
    ut_shake();
    ut_sched_wake(coro);
    return true;
}

void ut_wait_interrupt(struct ut_coro *coro)
{
    uint64_t wait = atomic_load(&coro->wait);
    ut_shake();
    if ((wait & OUTCOME_MASK) == UT_WAIT_PENDING)
        ut_wait_end(coro, wait >> OUTCOME_BITS, UT_WAIT_INTERRUPTED);
}
