/* SPDX-License-Identifier: MIT */
/*
 * The scheduler.
 *
 * A *lane* is the right to run coroutines, with a run queue, a reactor and a heap of timers; there
 * are as many as CPUs. A *carrier* is a kernel thread; it runs coroutines while it owns a lane.
 * A carrier takes from its lane's queue, the global queue, its reactor, and other lanes' queues,
 * in this order, and when all are empty it sleeps in its reactor.
 *
 * The hard part is that any coroutine may stop its carrier for as long as it likes, in a system
 * call or in a loop, at any instruction, and nothing may wait for it. So while a coroutine runs,
 * its lane is *open*: the monitor may take it and give it to another carrier by one
 * compare-and-swap of the owner word. Whatever in the runtime touches the lane first closes it
 * (ut_sched_claim), also by compare-and-swap; if that fails the lane is gone and the
 * coroutine goes on without, as a native thread would, until it parks. Then its carrier waits for a
 * new task and the coroutine queues like all others. At the end of a blocking region it queues, too, if as
 * many as there are lanes go on without one already: else who waits for a disk again and again would wait for
 * a lane each time, and the lane for its next carrier; sixteen that write and sync took 1.7 times as long.
 *
 * Lost wake-ups. A lane about to sleep announces it and then looks at all queues once more;
 * whoever queues work first queues it and then looks for sleeping lanes. All four are
 * sequentially consistent, so one of the two sees the other.
 *
 * Wake storms. Waking a lane costs a system call and then a theft. A coroutine that makes
 * another one runnable most often parks right afterwards (a lock, a queue, a condition), so the first
 * one it wakes goes to the `next` slot without waking anybody; the second one wakes a lane.
 * If the waker does not park, the monitor lets others have the `next` slot. A new thread wakes a lane,
 * unless its creator has lately left each time before anybody came for the new one. While one lane is
 * searching for work no other one is woken; the searcher, when it finds some, wakes the next.
 *
 * Straight on. A coroutine that leaves, while another one waits in its lane's queue, switches to that one
 * itself: it is one switch instead of two, and the carrier's own stack, which would only have looked into
 * the same queue, stays cold. Every so many ticks the carrier looks further (leave.c).
 *
 * Who holds its kernel thread. The monitor needs a while to see that a coroutine computes or is
 * blocked where nobody declared it, and meanwhile its lane stands still. One such coroutine costs
 * that once; fifty that do it again and again would stop the others more often than not. So
 * a coroutine that was caught is remembered (coro->holds), and when it is resumed while others wait its
 * lane is handed over first: it runs as the thread that it natively is, and the kernel shares
 * the CPUs out. Short runs make it an ordinary one again.
 *
 * But most calls that block unannounced do so for a moment, on a lock within the kernel, most
 * of all on a busy machine; then another kernel thread is of no use. How long they blocked in
 * the end tells: as long as the mean is a few milliseconds the monitor waits for as long.
 *
 * The kernel shares the CPUs out by kernel threads. Against fifty that compute, the two carriers
 * of two lanes get a twenty-sixth of the CPUs, and all others together natively much more. So for every few
 * kernel threads that compute there may be one without a lane that runs what waits in the
 * queues: relief (run.c).
 *
 * Rejected: a preemption signal (async-safety hazards everywhere in the program); one epoll set for
 * all lanes (every wake-up wakes all); resuming coroutines from libuv callbacks (the loop would
 * not be at rest while they run, and could not be handed over).
 */
#include "sched.h"

#include "carrier.h"
#include "clock.h"
#include "config.h"
#include "coro.h"
#include "credentials.h"
#include "critical.h"
#include "fd.h"
#include "ours.h"
#include "monitor.h"
#include "reactor.h"
#include "run.h"
#include "shake.h"
#include "sigmask.h"
#include "stats.h"
#include "wait.h"

#include <errno.h>

enum {
    STEAL_ROUNDS = 2,
    REMEMBERED = 4, /* short runs after which one that held its kernel thread is trusted again */
};

#define BRIEF_BLOCK (5 * UT_MILLISECOND) /* for which to take a lane is of no use */

struct ut_lane *ut_lanes;
unsigned ut_lane_count;

static _Atomic unsigned sleeping_lanes;
static _Atomic unsigned searching_lanes;
static _Atomic unsigned started_lanes;

/* Lanes */

static _Atomic int64_t usual_block = BRIEF_BLOCK;

bool ut_sched_blocks_briefly(void)
{
    return atomic_load_explicit(&usual_block, memory_order_relaxed) < BRIEF_BLOCK;
}

/*
 * SELF has just found its lane taken. Was it right to take it? Waits for locks within the kernel,
 * of the address space say, are over soon; the monitor learns to let them be. The mean is a rough
 * one: others may be at it at the same time.
 */
static void learn_from_loss(struct ut_coro *self, const struct ut_episode *episode)
{
    int64_t span = ut_clock_now() - episode->since;
    bool computed = episode->what == UT_COMPUTES;
    if (!computed) {
        int64_t mean = atomic_load_explicit(&usual_block, memory_order_relaxed);
        atomic_store_explicit(&usual_block, mean + (span - mean) / 8, memory_order_relaxed);
    }
    if (episode->unannounced && (computed || span >= BRIEF_BLOCK)) {
        self->held = *episode;
        self->holds = REMEMBERED;
    }
}

struct ut_lane *ut_sched_claim(void)
{
    struct ut_coro *self = ut_tls.coro;
    if (!self)
        return ut_tls.carrier ? ut_tls.carrier->lane : NULL;
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    struct ut_lane *lane = carrier->lane;
    uintptr_t open = (uintptr_t)carrier | UT_LANE_OPEN;
    if (!lane)
        return NULL;
    ut_shake();
    /* Acquire: pairs with the release when the lane was opened; see also ut_monitor's take. */
    if (atomic_compare_exchange_strong(&lane->owner, &open, (uintptr_t)carrier))
        return lane;
    ut_shake();
    carrier->lane = NULL; /* the monitor took it, and has said why: ordered by its exchange */
    carrier->pinned = carrier->taken;
    carrier->taken.since = 0;
    learn_from_loss(self, &carrier->pinned);
    return NULL;
}

void ut_sched_unclaim(struct ut_lane *lane)
{
    struct ut_coro *self = ut_tls.coro;
    if (!self || !lane)
        return;
    ut_shake();
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    atomic_store_explicit(&lane->owner, (uintptr_t)carrier | UT_LANE_OPEN, memory_order_release);
}

/* Wake one lane that sleeps, or have one started that never ran. */
static void wake_lane(void)
{
    for (unsigned i = 0; i < ut_lane_count; i++) {
        struct ut_lane *lane = &ut_lanes[i];
        if (atomic_load_explicit(&lane->sleeping, memory_order_relaxed) &&
            atomic_exchange(&lane->sleeping, false)) {
            ut_shake();
            atomic_fetch_sub(&sleeping_lanes, 1);
            ut_reactor_poke(lane->reactor);
            return;
        }
    }
    for (unsigned i = 0; i < ut_lane_count; i++) {
        struct ut_lane *lane = &ut_lanes[i];
        if (!atomic_load_explicit(&lane->started, memory_order_relaxed) &&
            !atomic_exchange(&lane->started, true)) {
            atomic_fetch_add(&started_lanes, 1);
            ut_shake();
            ut_carrier_give(lane);
            return;
        }
    }
}

void ut_sched_kick(void)
{
    ut_shake();
    if (atomic_load(&sleeping_lanes) == 0 && atomic_load(&started_lanes) == ut_lane_count)
        return;
    if (atomic_load(&searching_lanes) > 0)
        return;
    wake_lane();
}

/* Runnable coroutines */

static void enqueue_globally(struct ut_coro *coro)
{
    struct ut_runq_list list = {0};
    ut_runq_append(&list, coro);
    ut_runq_global_push(list);
    ut_sched_kick();
}

void ut_sched_make_runnable(struct ut_coro *coro)
{
    struct ut_lane *lane = ut_sched_claim();
    if (!lane) {
        enqueue_globally(coro);
        return;
    }
    bool crowded;
    if (ut_tls.carrier) {
        crowded = !ut_runq_is_empty(&lane->queue); /* else this carrier runs it right away */
        ut_runq_push(&lane->queue, coro);          /* events: first come, first served */
    } else {
        crowded = ut_runq_push_next(&lane->queue, coro);
    }
    ut_sched_unclaim(lane);
    if (crowded)
        ut_sched_kick();
}

void ut_sched_wake(struct ut_coro *coro)
{
    uint32_t before = atomic_exchange(&coro->parking, UT_CORO_WOKEN);
    ut_shake();
    switch (before) {
    case UT_CORO_PARKED:
        ut_sched_make_runnable(coro);
        break;
    case UT_CORO_ASLEEP:
        /* In await_wake; or it has noticed by itself and is elsewhere: then this hits nobody. */
        ut_sys_futex_wake(&coro->parking, 1);
        break;
    }
}

void ut_sched_bind(struct ut_coro *coro)
{
    atomic_store(&coro->bind, true);
}

void ut_sched_requeue(struct ut_lane *lane, struct ut_coro *coro)
{
    if (lane && !ut_shake_moves()) /* else let it go to any lane */
        ut_runq_push(&lane->queue, coro);
    else
        enqueue_globally(coro);
}

void ut_sched_launch(struct ut_coro *coro)
{
    /* For the first time it may not be born yet: then whoever settles that makes it runnable. */
    if (atomic_exchange(&coro->parking, UT_CORO_WOKEN) != UT_CORO_PARKED && !coro->recycled)
        return;
    struct ut_coro *self = ut_tls.coro;
    struct ut_lane *lane = ut_sched_claim();
    if (!lane) {
        enqueue_globally(coro);
        return;
    }
    bool others_may = true;
    if (self && self->waits_for_own >= UT_CORO_WAITS_FOR_OWN)
        others_may = ut_runq_push_next(&lane->queue, coro);
    else
        ut_runq_push(&lane->queue, coro); /* the creator usually has more to do */
    if (self)
        self->launched = coro;
    ut_sched_unclaim(lane);
    if (others_may)
        ut_sched_kick();
}

void ut_sched_arm(struct ut_coro *self, struct ut_timer *timer)
{
    (void)self;
    struct ut_lane *lane = ut_sched_claim();
    if (lane) {
        ut_timer_arm(&lane->timers, timer);
        ut_sched_unclaim(lane);
        return;
    }
    lane = &ut_lanes[0]; /* no lane: another one's owner must learn of the new deadline */
    if (ut_timer_arm(&lane->timers, timer))
        ut_reactor_poke(lane->reactor);
}

/* Finding work. All these own LANE. */

static void expire_timers(struct ut_lane *lane)
{
    if (ut_timers_earliest(&lane->timers) != UT_FOREVER)
        ut_timers_expire(&lane->timers, ut_clock_now());
}

static void poll(struct ut_lane *lane)
{
    expire_timers(lane);
    ut_reactor_poll(lane->reactor);
}

static struct ut_coro *take_global(struct ut_lane *lane)
{
    unsigned share = ut_runq_global_length() / ut_lane_count + 1;
    if (share > UT_RUNQ_SLOTS / 2)
        share = UT_RUNQ_SLOTS / 2;
    struct ut_coro *coro = ut_runq_global_pop(&lane->queue, share);
    if (coro && ut_runq_global_length())
        ut_sched_kick();
    return coro;
}

static struct ut_coro *steal(struct ut_lane *lane)
{
    for (unsigned round = 0; round < STEAL_ROUNDS; round++)
        for (unsigned i = 1; i < ut_lane_count; i++) {
            struct ut_lane *victim = &ut_lanes[(lane->index + i) % ut_lane_count];
            struct ut_coro *coro = ut_runq_steal(&lane->queue, &victim->queue);
            if (coro)
                return coro;
        }
    return NULL;
}

/* Search elsewhere. At most half of the lanes search at a time: the others would find nothing. */
static struct ut_coro *search(struct ut_lane *lane)
{
    if (ut_lane_count == 1 || 2 * atomic_load(&searching_lanes) >= ut_lane_count)
        return NULL;
    atomic_fetch_add(&searching_lanes, 1);
    ut_shake();
    struct ut_coro *coro = steal(lane);
    if (!coro)
        coro = take_global(lane);
    ut_shake();
    bool last = atomic_fetch_sub(&searching_lanes, 1) == 1;
    /* While we searched, nobody else was woken: pass that duty on if there may be more. */
    if (coro && last)
        ut_sched_kick();
    return coro;
}

static bool work_elsewhere(struct ut_lane *lane)
{
    if (ut_runq_global_length())
        return true;
    for (unsigned i = 0; i < ut_lane_count; i++) {
        struct ut_runq *queue = &ut_lanes[i].queue;
        if (&ut_lanes[i] == lane ? !ut_runq_is_empty(queue)
                                 : atomic_load(&queue->head) != atomic_load(&queue->tail))
            return true;
    }
    return false;
}

/*
 * The last coroutine's mask stays in force, as the next one mostly has the same. But a signal that
 * nobody takes by now must stay pending, or would end the process if that is its default. Pairs
 * with ut_sched_shed_signals: one of the two sees the other.
 */
static void shed_signals(struct ut_lane *lane, struct ut_carrier *carrier)
{
    uint64_t accepts = ~carrier->mask & UT_MASK_EVERY;
    atomic_store(&lane->accepts, accepts);
    ut_shake();
    if (accepts & ut_sigmask_blocked_by_all()) {
        ut_carrier_set_mask(carrier, UT_MASK_EVERY);
        atomic_store_explicit(&lane->accepts, 0, memory_order_relaxed);
    }
}

void ut_sched_shed_signals(uint64_t signals)
{
    for (unsigned i = 0; i < ut_lane_count; i++)
        if (atomic_load(&ut_lanes[i].accepts) & signals)
            ut_reactor_poke(ut_lanes[i].reactor);
}

static void doze(struct ut_lane *lane)
{
    atomic_fetch_add(&sleeping_lanes, 1);
    ut_shake();
    atomic_store(&lane->sleeping, true);
    ut_shake();
    if (!work_elsewhere(lane)) {
        shed_signals(lane, ut_tls.carrier);
        ut_shake();
        ut_reactor_wait(lane->reactor, ut_timers_earliest(&lane->timers));
        atomic_store_explicit(&lane->accepts, 0, memory_order_relaxed);
    }
    if (atomic_exchange(&lane->sleeping, false))
        atomic_fetch_sub(&sleeping_lanes, 1);
}

static struct ut_coro *find_work(struct ut_lane *lane)
{
    uint32_t ticks = atomic_load_explicit(&lane->ticks, memory_order_relaxed);
    struct ut_coro *coro = NULL;
    if (ticks % UT_POLL_EVERY == 0)
        poll(lane);
    if (ticks % UT_GLOBAL_EVERY == 0)
        coro = take_global(lane);
    if (!coro && ticks % UT_OLDEST_EVERY == 0)
        coro = ut_runq_pop_oldest(&lane->queue);
    ut_run_forward_signals();
    while (!coro) {
        if ((coro = ut_runq_pop(&lane->queue)))
            break;
        if ((coro = take_global(lane)))
            break;
        poll(lane);
        if ((coro = ut_runq_pop(&lane->queue)) || (coro = search(lane)))
            break;
        doze(lane);
        ut_run_forward_signals();
        expire_timers(lane);
    }
    return coro;
}

/*
 * With the setting `seed` each switch is to be a move: a lane refuses a coroutine that it has run
 * last, and gives the others time to take it. After some refusals they must be busy. True if it
 * has been refused.
 */
static bool refuse(struct ut_lane *lane, struct ut_coro *coro)
{
    enum { REFUSALS = 64 };
    if (coro->last_lane != lane->index + 1 || ut_lane_count == 1 || coro->refused == REFUSALS) {
        if (coro->last_lane && coro->last_lane != lane->index + 1)
            ut_count(moves_forced);
        coro->last_lane = (uint16_t)(lane->index + 1);
        coro->refused = 0;
        return false;
    }
    coro->refused++;
    enqueue_globally(coro);
    ut_syscall0(SYS_sched_yield);
    return true;
}

void ut_sched_run_carrier(struct ut_carrier *carrier)
{
    for (;;) {
        if (!carrier->lane && !carrier->relief) {
            ut_carrier_set_mask(carrier, UT_MASK_EVERY); /* an idle carrier must not attract signals */
            ut_run_forward_signals();                    /* those that it has attracted until now */
            if (carrier->altered || !ut_carrier_await(carrier))
                return;
        }
        struct ut_lane *lane = carrier->lane;
        ut_carrier_set_slice(carrier, true);
        if (!lane) {
            ut_run_relief(carrier);
            continue;
        }
        struct ut_coro *coro = find_work(lane);
        if (__builtin_expect(!ut_shake_moves(), 1) || !refuse(lane, coro))
            ut_run(carrier, lane, coro);
    }
}

void ut_sched_usual_slice(struct ut_coro *self)
{
    ut_critical_begin();
    ut_carrier_set_slice(atomic_load_explicit(&self->carrier, memory_order_relaxed), false);
    ut_critical_end();
}

/* Blocking regions */

struct ut_gift ut_region_give(struct ut_coro *self, bool anyway)
{
    struct ut_gift gift = {0};
    ut_critical_begin();
    /* Not before: a handler may have parked, and we are elsewhere since. */
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    struct ut_lane *lane = ut_sched_claim();
    if (lane && (anyway || ut_run_others_wait(lane))) {
        gift = (struct ut_gift){lane, atomic_load_explicit(&lane->ticks, memory_order_relaxed)};
        ut_run_hand_over(carrier, lane, (struct ut_episode){.what = self->why});
        ut_count(handoffs);
    } else {
        ut_sched_unclaim(lane);
    }
    ut_critical_end();
    return gift;
}

bool ut_gift_was_used(struct ut_gift gift)
{
    return gift.lane && atomic_load_explicit(&gift.lane->ticks, memory_order_relaxed) != gift.ticks;
}

void ut_region_begin(struct ut_coro *self, const char *symbol, bool slow)
{
    ut_critical_begin(); /* a handler might park, and we would go on on another carrier */
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    self->why = symbol;
    ut_run_end_going_on(carrier);
    carrier->without = !carrier->lane;
    uint32_t entry = atomic_load_explicit(&carrier->region_entry, memory_order_relaxed);
    atomic_store_explicit(&carrier->region_entry, entry + 1, memory_order_relaxed);
    ut_shake();
    /* Release: the monitor that sees the symbol sees the new entry number. */
    atomic_store_explicit(&carrier->region, symbol, memory_order_release);
    ut_critical_end();
    ut_count(regions);
    if (slow)
        ut_region_give(self, true);
}

bool ut_region_end(struct ut_coro *self)
{
    ut_critical_begin();
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    atomic_store_explicit(&carrier->region, NULL, memory_order_relaxed);
    self->why = NULL;
    bool without = carrier->without;
    ut_shake();
    struct ut_lane *lane = ut_sched_claim();
    if (lane)
        ut_sched_unclaim(lane);
    else if (!self->bound && !ut_run_go_on(carrier, self))
        ut_sched_yield(self);
    ut_critical_end();
    return lane || without;
}

const char *ut_region_open(struct ut_coro *self)
{
    struct ut_carrier *carrier = atomic_load_explicit(&self->carrier, memory_order_relaxed);
    return atomic_load_explicit(&carrier->region, memory_order_relaxed);
}

/* Start */

bool ut_sched_started(void)
{
    return ut_lanes;
}

static int make_lanes(void)
{
    unsigned count = ut_carrier_cpus();
    struct ut_lane *lanes = ut_sys_map(count * sizeof *lanes);
    if (!lanes)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        lanes[i].index = i;
        ut_timers_init(&lanes[i].timers);
        lanes[i].reactor = ut_reactor_create();
        if (!lanes[i].reactor)
            return -ENOMEM;
    }
    ut_lane_count = count;
    ut_lanes = lanes;
    return 0;
}

int ut_sched_start(void)
{
    ut_account_start();
    int result = make_lanes();
    if (result == 0)
        result = ut_carrier_start_maker();
    if (result == 0)
        result = ut_monitor_start();
    if (result == 0) {
        ut_credentials_start();
        return 0;
    }
    ut_lanes = NULL;
    ut_lane_count = 0;
    ut_ours_close();
    return result;
}

void ut_sched_forked(void)
{
    ut_lanes = NULL;
    ut_lane_count = 0;
    atomic_store(&sleeping_lanes, 0);
    atomic_store(&searching_lanes, 0);
    atomic_store(&started_lanes, 0);
    atomic_store(&usual_block, BRIEF_BLOCK);
    ut_runq_forked();
    ut_run_forked();
}
