/* SPDX-License-Identifier: MIT */
/*
 * The monitor looks at every open lane now and then, and takes it from its carrier, for another
 * one, if others wait for it while the carrier
 *
 *   - is in the blocking region in which it was at the last look, and the kernel says that it is
 *     blocked (observe.h);
 *   - runs the coroutine that it ran at the last look, in no region, and is blocked: in a system
 *     call that nobody declared, or a page fault;
 *   - computes: with the same coroutine for 10 ms, or for 4 ms of CPU time. While as many as there are
 *     lanes do so on kernel threads of their own, and others have waited for 4 ms without a break,
 *     1 ms is enough, of which CPU time counts by what share of it one gets: there may be a queue of
 *     such coroutines, and natively the kernel would let the others in between.
 *
 * The first two wait longer while such calls turn out to be over soon: see sched.c.
 *
 * The carrier finds out when it next claims the lane. Where the kernel does not tell what a
 * thread does, one in a region that uses little CPU time for 20 times as long counts as blocked.
 *
 * It looks every 50 µs while a region is open, every millisecond while coroutines run, every four once
 * fifty looks have found that nobody ran for longer than from one to the next, and sleeps without end
 * once nothing has run for a tenth of a second. A look takes 20 µs, with the timer and two switches: of a daemon
 * that has little to do, one each millisecond was 7 % of the CPU time.
 */
#include "monitor.h"

#include "carrier.h"
#include "clock.h"
#include "config.h"
#include "coro.h"
#include "critical.h"
#include "log.h"
#include "observe.h"
#include "reactor.h"
#include "run.h"
#include "sched.h"
#include "shake.h"
#include "sigmask.h"
#include "slice.h"
#include "stats.h"

#include <errno.h>
#include <linux/membarrier.h>

#define LOOK_TIME UT_MILLISECOND
#define CALM_LOOK_TIME (4 * UT_MILLISECOND) /* while all lanes move on */
#define PATIENCE (4 * UT_MILLISECOND) /* with those that are blocked, if that is over soon mostly */
#define PRESSED_TIME UT_MILLISECOND /* of computing, when others have waited for long */
#define LEAST_SHARE (100 * UT_MICROSECOND) /* of CPU time, for one that counts as computing */

enum {
    BLIND_PATIENCE = 20, /* times the region time, where the kernel does not tell */
    HOGS_PER_RELIEF = 8,
    CALM_LOOKS = 50, /* that found all lanes moving on, after which there may be fewer */
};
#define REST_AFTER (100 * UT_MILLISECOND)

/* What the last looks at a lane saw. Monitor only. */
struct sight {
    uint32_t ticks;
    uint32_t region_entry;
    const char *region;
    uintptr_t owner;
    int64_t since;         /* when this was first seen */
    int64_t running_since; /* the same coroutine on the same carrier, in whatever regions */
    int64_t cpu_time;      /* the carrier's at that time */
    int64_t waited_since;  /* others wait for the lane without a break; UT_FOREVER: nobody does */
};

_Atomic bool ut_monitor_sleeps;
uint64_t ut_monitor_accepts;
static _Atomic uint64_t blocked = UT_MASK_EVERY; /* signals, by the monitor's thread; written by it */
static _Atomic bool summary_wanted;
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

static struct ut_carrier *carrier_of(const struct sight *sight)
{
    return (struct ut_carrier *)(sight->owner & ~UT_LANE_OPEN);
}

/*
 * Take LANE from the carrier that was seen to own it, unless it has moved on. What is written to
 * the carrier before counts only if the exchange succeeds, and nobody else writes it.
 */
static bool take(struct ut_lane *lane, struct sight *sight, struct ut_episode why,
                 _Atomic unsigned long *counter)
{
    uintptr_t owner = sight->owner;
    carrier_of(sight)->taken = why;
    ut_run_count_hog(&why, 1); /* before the carrier can count it off */
    ut_shake();
    if (!atomic_compare_exchange_strong(&lane->owner, &owner, 0)) {
        ut_run_count_hog(&why, -1);
        return false;
    }
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    ut_carrier_give(lane);
    if (why.unannounced) /* if it is back already it has lost a little */
        ut_carrier_set_slice(carrier_of(sight), false);
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
        .waited_since = sight->waited_since,
    };
    if (here.owner == sight->owner && here.ticks == sight->ticks) {
        here.running_since = sight->running_since;
        here.cpu_time = sight->cpu_time;
        if (here.region == sight->region && here.region_entry == sight->region_entry)
            here.since = sight->since;
    }
    if (here.running_since == now)
        here.cpu_time = ut_carrier_cpu_time(carrier);
    *sight = here;
    return true;
}

static int64_t computed(const struct sight *sight)
{
    return ut_carrier_cpu_time(carrier_of(sight)) - sight->cpu_time;
}

/* What the carrier does. The kernel's word, or a guess by the CPU time that it has used. */
static struct ut_observation observe(const struct sight *sight, int64_t now)
{
    struct ut_observation seen = ut_observe(carrier_of(sight)->thread_id);
    int64_t age = now - sight->since;
    if (seen.doing == UT_DOING_UNKNOWN && sight->region &&
        age >= BLIND_PATIENCE * (int64_t)ut_config.region_us * UT_MICROSECOND)
        seen.doing = computed(sight) > (now - sight->running_since) / 4 ? UT_DOING_RUNS
                                                                        : UT_DOING_BLOCKED;
    return seen;
}

static bool take_if_blocked(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    struct ut_observation seen = observe(sight, now);
    if (seen.doing != UT_DOING_BLOCKED)
        return false;
    struct ut_episode why = {.what = sight->region, .since = sight->since};
    if (!sight->region) {
        why.call = seen.call;
        why.where = seen.where;
        why.unannounced = true;
        why.what = seen.call == UT_CALL_NONE ? UT_FAULTS : NULL;
    }
    return take(lane, sight, why,
                sight->region ? &ut_stats.handoffs : &ut_stats.handed_undeclared);
}

/*
 * The CPU time that somebody who computes has surely had after ENOUGH: among those that compute on
 * kernel threads of their own each gets a share only.
 */
static int64_t share_of(int64_t enough)
{
    int64_t share = enough * 3 / 4 * ut_lane_count / (ut_lane_count + ut_run_hogs());
    return share > LEAST_SHARE ? share : LEAST_SHARE;
}

/* Regions that are all short are no rest for the others. */
static bool take_if_computing(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    int64_t most = (int64_t)ut_config.hog_ms * UT_MILLISECOND, enough = most * 2 / 5;
    int64_t age = now - sight->running_since, cpu_time;
    if (ut_run_hogs() >= ut_lane_count && enough > PRESSED_TIME &&
        now - sight->waited_since >= enough) {
        most = enough; /* who has no CPU has lost it to these, and others would get one */
        enough = PRESSED_TIME;
    }
    if (age < enough)
        return false;
    cpu_time = computed(sight);
    if (age < most && cpu_time < share_of(enough))
        return false;
    /* Without much CPU time it only lost its CPU to somebody: that is nothing to remember. */
    struct ut_episode why = {.what = UT_COMPUTES,
                             .since = sight->running_since,
                             .unannounced = cpu_time >= share_of(PRESSED_TIME)};
    return take(lane, sight, why, &ut_stats.hogs);
}

static bool others_wait_at(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    if (!others_wait(lane, now))
        sight->waited_since = UT_FOREVER;
    else if (sight->waited_since == UT_FOREVER)
        sight->waited_since = now;
    return sight->waited_since != UT_FOREVER;
}

/* How long a carrier may be blocked. Unannounced it must have been there at two looks at least. */
static int64_t patience(const struct sight *sight)
{
    int64_t least = sight->region ? (int64_t)ut_config.region_us * UT_MICROSECOND : 1;
    return ut_sched_blocks_briefly() && least < PATIENCE ? PATIENCE : least;
}

/* True if the lane should be looked at again soon. */
static bool judge(struct ut_lane *lane, struct sight *sight, int64_t now)
{
    int64_t age = now - sight->since;
    bool old = age >= patience(sight);
    bool wait = others_wait_at(lane, sight, now);
    if (wait && old && take_if_blocked(lane, sight, now))
        return true;
    if (age > 0 && atomic_load_explicit(&lane->queue.next, memory_order_relaxed)) {
        atomic_store_explicit(&lane->queue.next_is_fair_game, true, memory_order_relaxed);
        ut_sched_kick();
    }
    if (wait)
        take_if_computing(lane, sight, now);
    return sight->region && age < LOOK_TIME; /* a long one that nobody minds: no hurry */
}

/* If many compute and there is a backlog, the lanes get too little of the CPUs: see sched.c. */
static void relieve(void)
{
    unsigned most = ut_run_hogs() / HOGS_PER_RELIEF;
    bool backlog = ut_runq_global_length();
    if (!most)
        return;
    for (unsigned i = 0; i < ut_lane_count; i++)
        backlog |= !ut_runq_is_empty(&ut_lanes[i].queue);
    if (backlog)
        ut_carrier_relieve(most);
}

/* Accept what coroutines accept, and pass on what has come. */
static void take_signals(void)
{
    if (atomic_load_explicit(&ut_tls.attention, memory_order_relaxed)) {
        atomic_store(&blocked, UT_MASK_ALL); /* the handler has blocked everything */
        ut_critical_deliver();
    }
    uint64_t mask = atomic_load_explicit(&blocked, memory_order_relaxed);
    uint64_t wanted = ut_sigmask_blocked_by_all() & UT_MASK_EVERY & ~ut_monitor_accepts;
    if (mask == wanted)
        return;
    atomic_store(&blocked, mask & wanted); /* until the kernel has it: read by ut_monitor_admits */
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &wanted, NULL, sizeof wanted);
    atomic_store(&blocked, wanted);
}

bool ut_monitor_admits(uint64_t signals)
{
    return signals & ~atomic_load(&blocked) & ~ut_monitor_accepts;
}

static void *print_summary(void *unused)
{
    ut_tls.internal = true;
    ut_tls.critical = 1;
    ut_stats_print();
    return unused;
}

/* Not by the monitor itself: naming addresses takes locks of the dynamic linker's. */
static void summarise(void)
{
    if (__builtin_expect(atomic_exchange(&summary_wanted, false), 0))
        ut_carrier_start_thread(print_summary, NULL);
}

void ut_monitor_summarise(void)
{
    atomic_store(&summary_wanted, true);
    ut_monitor_call();
}

/*
 * Does a coroutine run on LANE? Perhaps it has closed it for a moment, and will open it again without
 * a look at ut_monitor_sleeps. For the look after the fence only: before that fence either the
 * carrier has set `current`, or it looks at the flag after it.
 */
static bool runs(struct ut_lane *lane)
{
    uintptr_t owner = atomic_load(&lane->owner);
    struct ut_carrier *carrier = (struct ut_carrier *)(owner & ~UT_LANE_OPEN);
    return (owner & UT_LANE_OPEN) ||
           (carrier && __atomic_load_n(&carrier->current, __ATOMIC_RELAXED));
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
    unsigned calm = 0; /* looks, without a break */
    ut_slice_set(0, true);
    int blind = ut_observe_start();
    if (blind) {
        ut_count(monitor_blind);
        ut_log(UT_LOG_INFO, "the monitor cannot look into /proc: error %d", -blind);
    }
    for (;;) {
        uint32_t seen = atomic_load(&calls);
        take_signals();
        summarise();
        int64_t now = ut_clock_now();
        bool active = false, soon = false, moving = !ut_run_hogs();
        for (unsigned i = 0; i < ut_lane_count; i++)
            if (see(&ut_lanes[i], &sights[i], now)) {
                active = true;
                moving &= sights[i].running_since == now;
                soon |= judge(&ut_lanes[i], &sights[i], now);
            }
        calm = moving ? calm + 1 : 0;
        relieve();
        if (active)
            last_active = now;
        if (soon) {
            rest(now + (int64_t)ut_config.region_us * UT_MICROSECOND, seen);
        } else if (now - last_active < REST_AFTER) {
            rest(now + (calm < CALM_LOOKS ? LOOK_TIME : CALM_LOOK_TIME), seen);
        } else {
            /* A lane that opens meanwhile either sees the flag or was open at the look below. */
            atomic_store(&ut_monitor_sleeps, true);
            ut_shake();
            bool open = !fence_all();
            for (unsigned i = 0; i < ut_lane_count; i++)
                open |= runs(&ut_lanes[i]);
            ut_shake();
            rest(open ? now + LOOK_TIME : UT_FOREVER, seen);
            atomic_store(&ut_monitor_sleeps, false);
            last_active = ut_clock_now();
            calm = 0;
        }
    }
    return NULL;
}

int ut_monitor_start(void)
{
    sights = ut_sys_map(ut_lane_count * sizeof *sights);
    for (unsigned i = 0; sights && i < ut_lane_count; i++)
        sights[i].waited_since = UT_FOREVER;
    return sights ? ut_carrier_start_thread(monitor_main, NULL) : -ENOMEM;
}

void ut_monitor_forked(void)
{
    atomic_store(&ut_monitor_sleeps, false);
    ut_observe_forked();
    sights = NULL;
    atomic_store(&blocked, UT_MASK_EVERY); /* with which the child's will begin */
}
