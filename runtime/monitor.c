/* SPDX-License-Identifier: MIT */
/*
 * The monitor looks at every open lane now and then. A lane that is in the same blocking region
 * as at the last look, or has run the same coroutine for long while others wait, is taken
 * from its carrier and given to another one. The carrier finds out when it next claims the lane.
 *
 * It looks every 50 µs while a region is open, every millisecond while coroutines run, and
 * sleeps without end once nothing has run for a tenth of a second.
 */
#include "monitor.h"

#include "carrier.h"
#include "clock.h"
#include "config.h"
#include "coro.h"
#include "critical.h"
#include "log.h"
#include "reactor.h"
#include "sched.h"
#include "sigmask.h"
#include "stats.h"

#include <errno.h>
#include <linux/membarrier.h>

#define LOOK_TIME UT_MILLISECOND
#define REST_AFTER (100 * UT_MILLISECOND)

/* What the last looks at a lane saw. Monitor only. */
struct sight {
    uint32_t ticks;
    uint32_t region_entry;
    const char *region;
    uintptr_t owner;
    int64_t cpu_time; /* the carrier's, when its region was first seen */
    int64_t since;         /* when this was first seen */
    int64_t running_since; /* the same coroutine on the same carrier, in whatever regions */
};

_Atomic bool ut_monitor_sleeps;
static _Atomic uint32_t calls; /* the word it sleeps on: changed by each call */
static struct sight *sights;

void ut_monitor_call(void)
{
    atomic_fetch_add(&calls, 1);
    ut_sys_futex_wake(&calls, 1);
}

static bool others_wait(struct ut_lane *lane, int64_t now)
{
    return !ut_runq_is_empty(&lane->queue) || ut_runq_global_length() ||
           ut_timers_earliest(&lane->timers) <= now || ut_reactor_has_events(lane->reactor);
}

/* Take LANE from the carrier that was seen to own it, unless it has moved on. */
static bool take(struct ut_lane *lane, struct sight *sight)
{
    uintptr_t owner = sight->owner;
    if (!atomic_compare_exchange_strong(&lane->owner, &owner, 0))
        return false;
    ut_carrier_give(lane);
    return true;
}

static bool see(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    uintptr_t owner = atomic_load_explicit(&lane->owner, memory_order_acquire);
    /* Closed just now, perhaps for a moment: what was seen still counts, if it is seen again. */
    if (!(owner & UT_LANE_OPEN))
        return false;
    /* Carriers end only while idle, so one that owns a lane exists; see take for the rest. */
    struct ut_carrier *carrier = (struct ut_carrier *)(owner & ~UT_LANE_OPEN);
    struct sight here = {
        .region = atomic_load_explicit(&carrier->region, memory_order_acquire),
        .region_entry = atomic_load_explicit(&carrier->region_entry, memory_order_relaxed),
        .ticks = atomic_load_explicit(&lane->ticks, memory_order_relaxed),
        .owner = owner,
        .since = now,
        .running_since = now,
    };
    if (here.owner == sight->owner && here.ticks == sight->ticks) {
        here.running_since = sight->running_since;
        if (here.region == sight->region && here.region_entry == sight->region_entry) {
            here.since = sight->since;
            here.cpu_time = sight->cpu_time;
        }
    }
    if (here.region && here.since == now)
        here.cpu_time = ut_carrier_cpu_time(carrier);
    *sight = here;
    return true;
}

/* Has the carrier used its CPU since it was first seen in this region? Then it is not blocked. */
static bool works(struct sight *sight, int64_t age)
{
    struct ut_carrier *carrier = (struct ut_carrier *)(sight->owner & ~UT_LANE_OPEN);
    return ut_carrier_cpu_time(carrier) - sight->cpu_time > age / 4;
}

/*
 * How long a region may hold a lane, in multiples of the setting, by how many kernel threads there
 * are beyond the lanes'. The more there are, the more patience: on a busy machine most regions that
 * look stuck only wait for a CPU, which another thread would take from them.
 */
static int64_t patience(void)
{
    static const uint8_t factor[] = {1, 2, 8, 20, 40, 80};
    enum { LAST = sizeof factor / sizeof *factor - 1 };
    unsigned long carriers = atomic_load_explicit(&ut_stats.carriers_made, memory_order_relaxed) -
                             atomic_load_explicit(&ut_stats.carriers_ended, memory_order_relaxed);
    unsigned long excess = carriers > ut_lane_count ? carriers - ut_lane_count : 0;
    return (int64_t)ut_config.region_us * UT_MICROSECOND * factor[excess < LAST ? excess : LAST];
}

/* True if the lane should be looked at again soon. */
static bool judge(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    int64_t age = now - sight->since;
    if (sight->region && age >= patience() && others_wait(lane, now) && !works(sight, age) && take(lane, sight)) {
        ut_count(handoffs);
        ut_stats_pinned(sight->region);
        return true;
    }
    if (age > 0 && atomic_load_explicit(&lane->queue.next, memory_order_relaxed)) {
        atomic_store_explicit(&lane->queue.next_is_fair_game, true, memory_order_relaxed);
        ut_sched_kick();
    }
    /* Regions that are all short are no rest for the others. */
    if (now - sight->running_since >= (int64_t)ut_config.hog_ms * UT_MILLISECOND &&
        others_wait(lane, now) && take(lane, sight)) {
        ut_count(hogs);
        ut_log(UT_LOG_DEBUG, "lane %u handed over: a coroutine computes", lane->index);
    }
    return sight->region && age < LOOK_TIME; /* a long one that nobody minds: no hurry */
}

/* Accept what coroutines accept, and pass on what has come. */
static void take_signals(void)
{
    static uint64_t mask = UT_MASK_ALL; /* the monitor's own; monitor only */
    if (atomic_load_explicit(&ut_tls.attention, memory_order_relaxed)) {
        mask = UT_MASK_ALL; /* the handler has blocked everything */
        ut_critical_deliver();
    }
    uint64_t wanted = ut_sigmask_blocked_by_all() & UT_MASK_ALL;
    if (mask == wanted)
        return;
    mask = wanted;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static void rest(int64_t deadline, uint32_t seen)
{
    ut_sys_futex_wait(&calls, seen, deadline);
}

/*
 * A barrier on all threads, so that those who open a lane and then look at the flag need none.
 * False where the kernel has none: then the sleep has an end.
 */
static bool fence_all(void)
{
    static bool registered;
    if (!registered)
        registered = ut_syscall2(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0;
    return registered && ut_syscall2(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0;
}

static void *monitor_main(void *unused)
{
    (void)unused;
    ut_tls.internal = true;
    ut_tls.critical = 1;
    ut_syscall3(SYS_prctl, 15 /* PR_SET_NAME */, "unthread-watch", 0);
    int64_t last_active = ut_clock_now();
    for (;;) {
        uint32_t seen = atomic_load(&calls);
        bool all_carried = ut_carrier_make_wanted();
        take_signals();
        int64_t now = ut_clock_now();
        bool active = false, soon = false;
        for (unsigned i = 0; i < ut_lane_count; i++)
            if (see(&ut_lanes[i], &sights[i], now)) {
                active = true;
                soon |= judge(&ut_lanes[i], &sights[i], now);
            }
        if (active || !all_carried)
            last_active = now;
        if (soon) {
            rest(now + (int64_t)ut_config.region_us * UT_MICROSECOND, seen);
        } else if (now - last_active < REST_AFTER) {
            rest(now + LOOK_TIME, seen);
        } else {
            /* A lane that opens meanwhile either sees the flag or was open at the look below. */
            atomic_store(&ut_monitor_sleeps, true);
            bool open = !fence_all();
            for (unsigned i = 0; i < ut_lane_count; i++)
                open |= atomic_load(&ut_lanes[i].owner) & UT_LANE_OPEN;
            rest(open ? now + LOOK_TIME : UT_FOREVER, seen);
            atomic_store(&ut_monitor_sleeps, false);
            last_active = ut_clock_now();
        }
    }
    return NULL;
}

int ut_monitor_start(void)
{
    sights = ut_sys_map(ut_lane_count * sizeof *sights);
    return sights ? ut_carrier_start_thread(monitor_main, NULL) : -ENOMEM;
}

void ut_monitor_forked(void)
{
    atomic_store(&ut_monitor_sleeps, false);
    sights = NULL;
}
