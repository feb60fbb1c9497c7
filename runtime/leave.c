/* SPDX-License-Identifier: MIT */
#include "leave.h"

#include "account.h"
#include "coro.h"
#include "cputime.h"
#include "monitor.h"
#include "run.h"
#include "sched.h"
#include "shake.h"
#include "sys.h"

/* Straight to the next one */

/* Every so many ticks the carrier has to look further than LANE's own queue. */
static bool others_have_a_say(const struct ut_lane *lane)
{
    uint32_t ticks = atomic_load_explicit(&lane->ticks, memory_order_relaxed);
    return ticks % UT_POLL_EVERY == 0 || ticks % UT_GLOBAL_EVERY == 0;
}

static struct ut_coro *first_in_queue(struct ut_lane *lane)
{
    uint32_t ticks = atomic_load_explicit(&lane->ticks, memory_order_relaxed);
    struct ut_coro *coro = NULL;
    if (ticks % UT_OLDEST_EVERY == 0)
        coro = ut_runq_pop_oldest(&lane->queue);
    return coro ? coro : ut_runq_pop(&lane->queue);
}

/*
 * Can the kernel thread go on with CORO as it is? The masks are the same, then, so a signal that
 * comes during the switch is one that CORO takes.
 */
static bool fits(const struct ut_carrier *carrier, struct ut_coro *coro)
{
    return atomic_load_explicit(&carrier->mask, memory_order_relaxed) ==
               atomic_load_explicit(&coro->mask, memory_order_relaxed) &&
           carrier->alternate_stack.ss_sp == coro->alternate_stack.ss_sp &&
           carrier->alternate_stack.ss_flags == coro->alternate_stack.ss_flags && !coro->holds &&
           !atomic_load_explicit(&coro->bind, memory_order_relaxed);
}

/* Is NEXT the thread that SELF has made? Then another lane was woken in vain: ut_sched_launch. */
static void learn_from_launch(struct ut_coro *self, const struct ut_coro *next)
{
    if (__builtin_expect(!self->launched, 1))
        return;
    if (self->launched != next)
        self->waits_for_own = 0;
    else if (self->waits_for_own < UT_CORO_WAITS_FOR_OWN)
        self->waits_for_own++;
    self->launched = NULL;
}

/* The one that SELF, who has closed its lane, can switch to; NULL: to the carrier. */
static struct ut_coro *choose(struct ut_coro *self, struct ut_carrier *carrier)
{
    struct ut_lane *lane = carrier->lane;
    if (!lane || others_have_a_say(lane) || self->holds || self->bound || ut_shake_detours() ||
        atomic_load_explicit(&ut_tls.attention, memory_order_relaxed) ||
        atomic_load_explicit(&ut_cputime_counting, memory_order_relaxed)) {
        self->launched = NULL; /* nothing is learnt this time */
        return NULL;
    }
    struct ut_coro *next = first_in_queue(lane);
    learn_from_launch(self, next);
    if (next && !fits(carrier, next)) {
        ut_runq_push_next(&lane->queue, next);
        return NULL;
    }
    return next;
}

/* As ut_run does for one that it begins to run; the lane stays closed until NEXT has arrived. */
static void go_straight_to(struct ut_coro *next, struct ut_coro *self, struct ut_carrier *carrier)
{
    ut_shake();
    atomic_store_explicit(&next->carrier, carrier, memory_order_relaxed);
    atomic_store_explicit(&carrier->region, NULL, memory_order_relaxed);
    carrier->current = next;
    carrier->left = self;
    ut_run_count_tick(carrier->lane);
    ut_arch_switch(&self->context, &next->context);
}

void ut_leave_arrive(struct ut_coro *self)
{
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    struct ut_coro *left = carrier->left;
    if (!left) {
        ut_run_take_signals(carrier->tls);
        return;
    }
    enum ut_after_switch after = carrier->after;
    carrier->left = NULL;
    ut_run_take_signals(left->tls); /* those that came when it had looked: see fits */
    ut_run_open_lane(carrier, carrier->lane);
    ut_run_settle(left, after);
}

/* Leaving */

/* A handler may have been left by siglongjmp, which sets the mask behind our back. */
static void ask_for_mask(struct ut_coro *self, struct ut_carrier *carrier)
{
    uint64_t mask;
    if (ut_tls.deferred) /* everything is blocked, for now */
        return;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof mask);
    carrier->mask = mask;
    ut_coro_set_mask(self, mask);
    if (mask == self->mask_before)
        self->mask_unsure = false;
}

static void switch_away(struct ut_coro *self, enum ut_after_switch after)
{
    ut_sched_claim();
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    if (__builtin_expect(self->mask_unsure && after != UT_AFTER_RETIRE, 0))
        ask_for_mask(self, carrier);
    ut_run_unpin(carrier, self);
    ut_run_end_going_on(carrier);
    carrier->after = after;
    struct ut_coro *next = choose(self, carrier);
    if (next)
        go_straight_to(next, self, carrier);
    else
        ut_arch_switch(&self->context, &carrier->context);
    ut_leave_arrive(self);
}

static bool is_on_its_stack(const struct ut_coro *self, const void *address)
{
    return (uintptr_t)address - (uintptr_t)self->stack < self->stack_size;
}

/*
 * Is SELF in a handler that came at any instruction? It may have interrupted malloc or fork, with
 * libc's locks held. Then whoever needs these holds a carrier until SELF goes on, and no new
 * carrier can be made, for that takes memory. So SELF must not give up its kernel thread only
 * because it has lost its lane, and does not yield: it goes on without a lane, as natively. (A
 * handler that really waits, for another thread, gives up its carrier like everybody.)
 *
 * siglongjmp and the unwinding of a cancelled thread leave a handler without its return. Then we
 * are above its frame, or no more on the alternate stack where that frame was.
 */
static bool is_in_handler(const struct ut_coro *self)
{
    const void *here = __builtin_frame_address(0), *frame = self->handler_frame;
    return frame && is_on_its_stack(self, frame) == is_on_its_stack(self, here) &&
           (uintptr_t)here < (uintptr_t)frame;
}

void ut_sched_park(struct ut_coro *self)
{
    switch_away(self, UT_AFTER_PARK);
}

/*
 * Nobody waits in SELF's lane, as far as can be told without asking the kernel for events. (One that
 * is to get a kernel thread of its own gets it by leaving.)
 */
static bool is_alone(struct ut_coro *self)
{
    struct ut_lane *lane = ut_sched_claim();
    bool alone = lane && !others_have_a_say(lane) && ut_runq_is_empty(&lane->queue) &&
                 !ut_runq_global_length() && !ut_shake_moves() &&
                 !atomic_load_explicit(&self->bind, memory_order_relaxed);
    if (alone)
        ut_run_count_tick(lane);
    ut_sched_unclaim(lane);
    return alone;
}

void ut_sched_yield(struct ut_coro *self)
{
    /* Kernel threads may want the CPU, natively: whom the coroutine waits for may be one. */
    if (__builtin_expect(is_in_handler(self), 0) || is_alone(self))
        ut_syscall0(SYS_sched_yield);
    else
        switch_away(self, UT_AFTER_YIELD);
}

void ut_sched_retire(struct ut_coro *self)
{
    switch_away(self, UT_AFTER_RETIRE);
}
