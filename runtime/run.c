/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "carrier.h"
#include "clock.h"
#include "coro.h"
#include "cputime.h"
#include "critical.h"
#include "monitor.h"
#include "sched.h"
#include "shake.h"
#include "stats.h"
#include "wait.h"

#define SHORT_RUN UT_MILLISECOND /* of one that is remembered for holding its kernel thread */

static _Atomic unsigned hogs;
static _Atomic unsigned loose; /* coroutines that go on without a lane: a count, which orders nothing */

/* What a coroutine has left for */

/* With the first signal that waits in FROM everything has been blocked: nothing else comes. */
void ut_run_take_signals(struct ut_tls *from)
{
    struct ut_tls *to = &ut_tls;
    if (__builtin_expect(!from->deferred, 1))
        return;
    for (; from->deferred && to->deferred < UT_TLS_DEFERRED; to->deferred++)
        to->deferred_info[to->deferred] = from->deferred_info[--from->deferred];
    to->deferred_mask = from->deferred_mask;
    if (!from->coro) /* others may have asked for a coroutine's attention, too */
        atomic_store_explicit(&from->attention, from->deferred > 0, memory_order_relaxed);
    atomic_store_explicit(&to->attention, true, memory_order_relaxed);
    if (to->coro) /* it may be about to wait: in a build that shakes it yields before that */
        atomic_store(&to->coro->interrupted, true);
}

static void retire(struct ut_coro *coro)
{
    ut_run_take_signals(coro->tls); /* what came for the process during its last steps */
    coro->holds = 0; /* the next thread on it is another one */
    coro->waits_for_own = 0;
    ut_coro_finish(coro);
}

static void parked(struct ut_coro *coro)
{
    /* Pairs with ut_sched_wake: the second of the two makes it runnable. */
    if (atomic_exchange(&coro->parking, UT_CORO_PARKED) == UT_CORO_WOKEN)
        ut_sched_make_runnable(coro);
    else if (atomic_load(&coro->interrupted)) /* since it looked itself, in ut_wait_suspend */
        ut_wait_interrupt(coro);
}

void ut_run_settle(struct ut_coro *coro, enum ut_after_switch after)
{
    struct ut_lane *lane;
    ut_shake();
    switch (after) {
    case UT_AFTER_PARK:
        parked(coro);
        break;
    case UT_AFTER_YIELD:
        lane = ut_sched_claim();
        ut_sched_requeue(lane, coro);
        ut_sched_unclaim(lane);
        break;
    case UT_AFTER_RETIRE:
        retire(coro);
        break;
    }
}

void ut_run_forward_signals(void)
{
    if (__builtin_expect(atomic_load_explicit(&ut_tls.attention, memory_order_relaxed), 0))
        ut_critical_deliver();
}

/* Load what the kernel keeps for each thread, for CORO to run on CARRIER. */
static void prepare(struct ut_carrier *carrier, struct ut_coro *coro)
{
    ut_shake();
    /* A cancellation may have unwound out of a region, or a call inside one may have parked. */
    atomic_store_explicit(&carrier->region, NULL, memory_order_relaxed);
    ut_carrier_set_mask(carrier, atomic_load_explicit(&coro->mask, memory_order_relaxed));
    ut_carrier_set_alternate_stack(carrier, &coro->alternate_stack);
}

unsigned ut_run_hogs(void)
{
    return atomic_load_explicit(&hogs, memory_order_relaxed);
}

void ut_run_count_hog(const struct ut_episode *episode, int change)
{
    if (episode->what == UT_COMPUTES)
        atomic_fetch_add_explicit(&hogs, (unsigned)change, memory_order_relaxed);
}

static void pin(struct ut_carrier *carrier, struct ut_episode why)
{
    ut_run_count_hog(&why, 1);
    carrier->pinned = why;
    carrier->pinned.since = ut_clock_now();
}

void ut_run_hand_over(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_episode why)
{
    carrier->lane = NULL;
    if (why.unannounced) /* else it is about to block, and needs no CPU */
        ut_carrier_set_slice(carrier, false);
    pin(carrier, why);
    ut_shake();
    ut_carrier_give(lane);
}

bool ut_run_others_wait(struct ut_lane *lane)
{
    return !ut_runq_is_empty(&lane->queue) || ut_runq_global_length();
}

static void count_cpu(struct ut_coro *coro, bool begins)
{
    if (__builtin_expect(!atomic_load_explicit(&ut_cputime_counting, memory_order_relaxed), 1))
        return;
    if (begins)
        ut_cputime_enter(coro);
    else
        ut_cputime_leave(coro);
}

void ut_run_unpin(struct ut_carrier *carrier, struct ut_coro *coro)
{
    if (__builtin_expect(!carrier->pinned.since, 1))
        return;
    ut_run_count_hog(&carrier->pinned, -1);
    ut_account_close(coro, &carrier->pinned);
}

bool ut_run_go_on(struct ut_carrier *carrier, struct ut_coro *coro)
{
    if (coro->holds || ut_shake_detours())
        return false;
    if (atomic_fetch_add_explicit(&loose, 1, memory_order_relaxed) >= ut_lane_count) {
        atomic_fetch_sub_explicit(&loose, 1, memory_order_relaxed);
        return false;
    }
    carrier->loose = true;
    ut_run_unpin(carrier, coro);
    return true;
}

void ut_run_end_going_on(struct ut_carrier *carrier)
{
    if (__builtin_expect(!carrier->loose, 1))
        return;
    carrier->loose = false;
    atomic_fetch_sub_explicit(&loose, 1, memory_order_relaxed);
}

void ut_run_open_lane(struct ut_carrier *carrier, struct ut_lane *lane)
{
    atomic_store_explicit(&lane->owner, (uintptr_t)carrier | UT_LANE_OPEN, memory_order_release);
    /* After that store, in this order even for the CPU: the monitor's barrier sees to it. */
    ut_shake();
    ut_monitor_watch();
}

static void run_open(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_coro *coro)
{
    ut_run_open_lane(carrier, lane);
    ut_arch_switch(&carrier->context, &coro->context);
}

/* How much of what CORO was caught at it has done on CARRIER so far. */
static int64_t account_of(struct ut_carrier *carrier, const struct ut_coro *coro)
{
    return coro->held.what == UT_COMPUTES ? ut_carrier_cpu_time(carrier) : ut_clock_now();
}

/* It is remembered for holding its kernel thread; how long it does so now shows whether rightly. */
static void run_suspect(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_coro *coro)
{
    int64_t start = account_of(carrier, coro);
    if (lane && !ut_run_others_wait(lane)) {
        run_open(carrier, lane, coro);
    } else {
        ut_count(handed_ahead);
        if (lane)
            ut_run_hand_over(carrier, lane, coro->held);
        else
            pin(carrier, coro->held);
        ut_arch_switch(&carrier->context, &coro->context);
    }
    if (coro->holds && account_of(carrier, coro) - start < SHORT_RUN)
        coro->holds--;
}

/* A coroutine with a kernel thread of its own */

/* Parked; nobody else runs here, so the kernel thread sleeps. Pairs with ut_sched_wake. */
static void await_wake(struct ut_carrier *carrier, struct ut_coro *coro)
{
    ut_carrier_set_mask(carrier, UT_MASK_EVERY); /* as for others that are parked: the monitor's */
    ut_run_forward_signals();
    if (atomic_exchange(&coro->parking, UT_CORO_ASLEEP) == UT_CORO_WOKEN)
        return;
    if (atomic_load(&coro->interrupted)) /* as in settle */
        ut_wait_interrupt(coro);
    while (atomic_load(&coro->parking) == UT_CORO_ASLEEP)
        ut_sys_futex_wait(&coro->parking, UT_CORO_ASLEEP, UT_FOREVER);
}

static void run_bound(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_coro *coro)
{
    ut_count(threads_bound);
    carrier->lane = NULL;
    ut_carrier_set_slice(carrier, false);
    if (lane)
        ut_carrier_give(lane);
    ut_carrier_bind(carrier, coro, true);
    carrier->current = coro;
    carrier->after = UT_AFTER_YIELD; /* it has been made runnable */
    ut_carrier_set_name(coro->name);
    do {
        if (carrier->after == UT_AFTER_PARK)
            await_wake(carrier, coro);
        ut_run_forward_signals();
        prepare(carrier, coro);
        count_cpu(coro, true);
        ut_arch_switch(&carrier->context, &coro->context);
        count_cpu(coro, false);
    } while (carrier->after != UT_AFTER_RETIRE);
    ut_carrier_set_name(UT_CARRIER_NAME);
    carrier->current = NULL;
    ut_carrier_bind(carrier, coro, false);
    atomic_store(&coro->bind, false);
    retire(coro);
}

/* Running */

void ut_run_count_tick(struct ut_lane *lane)
{
    uint32_t ticks = atomic_load_explicit(&lane->ticks, memory_order_relaxed);
    atomic_store_explicit(&lane->ticks, ticks + 1, memory_order_relaxed);
}

void ut_run(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_coro *coro)
{
    if (__builtin_expect(atomic_load_explicit(&coro->bind, memory_order_relaxed), 0)) {
        run_bound(carrier, lane, coro);
        return;
    }
    ut_run_forward_signals();
    atomic_store_explicit(&coro->carrier, carrier, memory_order_relaxed);
    carrier->current = coro;
    prepare(carrier, coro);
    count_cpu(coro, true);
    if (lane)
        ut_run_count_tick(lane);
    if (__builtin_expect(coro->holds, 0))
        run_suspect(carrier, lane, coro);
    else if (lane)
        run_open(carrier, lane, coro);
    else
        ut_arch_switch(&carrier->context, &coro->context);
    ut_shake();
    coro = carrier->current; /* they may have gone straight from one to the next */
    count_cpu(coro, false);
    carrier->current = NULL;
    ut_run_settle(coro, carrier->after);
}

/* What has waited longest, somewhere. */
static struct ut_coro *take_from_any(void)
{
    struct ut_coro *coro = ut_runq_global_pop(NULL, 1);
    for (unsigned i = 0; i < ut_lane_count && !coro; i++)
        coro = ut_runq_pop_oldest(&ut_lanes[i].queue);
    return coro;
}

void ut_run_relief(struct ut_carrier *carrier)
{
    struct ut_coro *coro;
    while (ut_run_hogs() && (coro = take_from_any())) {
        ut_count(reliefs);
        atomic_store_explicit(&carrier->relief, ut_clock_now(), memory_order_relaxed);
        ut_run(carrier, NULL, coro);
        ut_run_forward_signals();
    }
    atomic_store_explicit(&carrier->relief, 0, memory_order_relaxed);
}

void ut_run_forked(void)
{
    atomic_store(&hogs, 0);
    atomic_store(&loose, 0);
}
