/* SPDX-License-Identifier: MIT */
#include "carrier.h"

#include "clock.h"
#include "config.h"
#include "coro.h"
#include "libc.h"
#include "lock.h"
#include "log.h"
#include "sched.h"
#include "slice.h"
#include "shake.h"
#include "stats.h"
#include "tcb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>

#define IDLE_TIME (50 * UT_MILLISECOND) /* then a carrier ends */
#define STUCK_TIME (10 * UT_MILLISECOND) /* for which relief runs the same coroutine */
#define RETRY_TIME UT_MILLISECOND        /* when there was no thread to be had */

enum {
    STACK_SIZE = 256 * 1024, /* libuv's loop, epoll batches, timers */
};

/* Guarded by carriers_lock. */
static struct ut_lock carriers_lock;
static struct ut_carrier *idle;  /* the last one first */
static struct ut_carrier *ended; /* memory for the next ones */
static struct ut_carrier *made;  /* all, through next_made */
static struct ut_lane *wanted[1024]; /* lanes without a carrier; at most all of them */
static unsigned wanted_count;
static unsigned wanted_reliefs;      /* carriers that are to help out without a lane */
static unsigned coming;              /* being made: they have not looked yet at what is wanted */

/* The cgroup's CPU quota in whole CPUs, rounded up; a large number if there is none. */
static unsigned cgroup_cpus(void)
{
    char text[64] = "";
    long fd = ut_syscall4(SYS_openat, AT_FDCWD, "/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return UINT_MAX;
    ut_syscall3(SYS_read, fd, text, sizeof text - 1);
    ut_syscall1(SYS_close, fd);
    char *end;
    unsigned long quota = strtoul(text, &end, 10), period = strtoul(end, NULL, 10);
    if (end == text || !period) /* "max 100000" */
        return UINT_MAX;
    return (unsigned)((quota + period - 1) / period);
}

static struct ut_cpus usual;

const struct ut_cpus *ut_carrier_usual_cpus(void)
{
    return &usual;
}

static void set_cpus(int thread, const struct ut_cpus *cpus)
{
    ut_syscall3(SYS_sched_setaffinity, thread, sizeof cpus->words, cpus->words);
}

void ut_carrier_apply_cpus(struct ut_coro *coro)
{
    if (coro->bound)
        set_cpus(atomic_load(&coro->carrier)->thread_id, coro->cpus);
    else
        ut_sched_bind(coro); /* it gets them in ut_carrier_bind, which waits for the lock */
}

void ut_carrier_bind(struct ut_carrier *carrier, struct ut_coro *coro, bool bound)
{
    ut_lock_acquire(&coro->lock);
    if (bound)
        atomic_store_explicit(&coro->carrier, carrier, memory_order_relaxed);
    coro->bound = bound;
    if (coro->has_cpus)
        set_cpus(0, bound ? coro->cpus : &usual);
    ut_lock_release(&coro->lock);
}

/* As many carriers as there are CPUs for them. Notes which these are. */
unsigned ut_carrier_cpus(void)
{
    long size = ut_syscall3(SYS_sched_getaffinity, 0, sizeof usual.words, usual.words);
    if (ut_config.carriers)
        return (unsigned)ut_config.carriers;
    unsigned cpus = size > 0 ? (unsigned)CPU_COUNT_S((size_t)size, (cpu_set_t *)usual.words) : 1;
    unsigned quota = cgroup_cpus();
    if (quota && quota < cpus)
        cpus = quota;
    unsigned most = sizeof wanted / sizeof *wanted;
    return cpus < 1 ? 1 : cpus > most ? most : cpus;
}

void ut_carrier_set_mask(struct ut_carrier *carrier, uint64_t mask)
{
    if (atomic_load_explicit(&carrier->mask, memory_order_relaxed) == mask)
        return;
    atomic_store(&carrier->changes_mask, true);
    atomic_store(&carrier->mask, mask); /* first: a signal that comes now has the last word */
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    atomic_store(&carrier->changes_mask, false);
}

bool ut_carrier_any_admits(uint64_t signals)
{
    struct ut_carrier *carrier = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
    for (; carrier; carrier = carrier->next_made)
        if (atomic_load(&carrier->changes_mask) || (~atomic_load(&carrier->mask) & signals))
            return true;
    return false;
}

int64_t ut_carrier_cpu_time(struct ut_carrier *carrier)
{
    /* The kernel's number for the CPU clock of another thread: see pthread_getcpuclockid(3). */
    clockid_t clock = (clockid_t)(~(unsigned)carrier->thread_id << 3 | 6);
    struct timespec time = {0};
    ut_syscall2(SYS_clock_gettime, clock, &time);
    return time.tv_sec * UT_SECOND + time.tv_nsec;
}

void ut_carrier_set_alternate_stack(struct ut_carrier *carrier, const stack_t *stack)
{
    if (carrier->alternate_stack.ss_sp == stack->ss_sp &&
        carrier->alternate_stack.ss_flags == stack->ss_flags)
        return;
    carrier->alternate_stack = *stack;
    ut_syscall2(SYS_sigaltstack, stack, NULL);
}

static void assign(struct ut_carrier *carrier, struct ut_lane *lane)
{
    carrier->lane = lane;
    ut_shake();
    /* Release: pairs with the claim of whoever owns it next; the giver's writes come before. */
    atomic_store_explicit(&lane->owner, (uintptr_t)carrier, memory_order_release);
}

/* The maker sleeps on its count: calls count there, too. */
struct ut_departures ut_carrier_departures;

static void call_maker(void)
{
    __atomic_fetch_add(&ut_carrier_departures.count, 1, __ATOMIC_SEQ_CST);
    ut_sys_futex_wake(&ut_carrier_departures.count, 1);
}

void ut_carrier_give(struct ut_lane *lane)
{
    ut_lock_acquire(&carriers_lock);
    struct ut_carrier *carrier = idle;
    if (carrier) {
        idle = carrier->next_idle;
        assign(carrier, lane);
    } else {
        wanted[wanted_count++] = lane;
    }
    ut_lock_release(&carriers_lock);
    if (!carrier) {
        call_maker();
        return;
    }
    atomic_store(&carrier->called, 1);
    ut_sys_futex_wake(&carrier->called, 1);
}

static unsigned count_reliefs(void)
{
    int64_t recent = ut_clock_now() - STUCK_TIME;
    unsigned count = 0;
    for (struct ut_carrier *carrier = made; carrier; carrier = carrier->next_made)
        count += atomic_load_explicit(&carrier->relief, memory_order_relaxed) > recent;
    return count;
}

void ut_carrier_relieve(unsigned most)
{
    ut_lock_acquire(&carriers_lock);
    unsigned count = count_reliefs();
    struct ut_carrier *carrier = count < most ? idle : NULL;
    wanted_reliefs = count < most && !carrier;
    if (carrier) {
        idle = carrier->next_idle;
        atomic_store_explicit(&carrier->relief, ut_clock_now(), memory_order_relaxed);
    }
    bool short_of_carriers = wanted_reliefs;
    ut_lock_release(&carriers_lock);
    if (carrier) {
        atomic_store(&carrier->called, 1);
        ut_sys_futex_wake(&carrier->called, 1);
    } else if (short_of_carriers) {
        call_maker();
    }
}

/* The caller holds the lock. False if CARRIER has been given a lane meanwhile. */
static bool leave_idle(struct ut_carrier *carrier)
{
    for (struct ut_carrier **link = &idle; *link; link = &(*link)->next_idle)
        if (*link == carrier) {
            *link = carrier->next_idle;
            return true;
        }
    return false;
}

/* What waits for a carrier: CARRIER does it. The caller holds the lock. */
static bool take_wanted(struct ut_carrier *carrier)
{
    if (wanted_count) {
        assign(carrier, wanted[--wanted_count]);
    } else if (wanted_reliefs) {
        wanted_reliefs--;
        atomic_store_explicit(&carrier->relief, ut_clock_now(), memory_order_relaxed);
    } else {
        return false;
    }
    return true;
}

bool ut_carrier_await(struct ut_carrier *carrier)
{
    ut_lock_acquire(&carriers_lock);
    if (take_wanted(carrier)) {
        ut_lock_release(&carriers_lock);
        return true;
    }
    atomic_store_explicit(&carrier->called, 0, memory_order_relaxed);
    carrier->next_idle = idle;
    idle = carrier;
    ut_lock_release(&carriers_lock);

    for (;;) {
        int64_t deadline = ut_clock_now() + IDLE_TIME;
        while (!atomic_load(&carrier->called) && ut_clock_now() < deadline)
            ut_sys_futex_wait(&carrier->called, 0, deadline);
        if (atomic_load(&carrier->called))
            return true;
        ut_lock_acquire(&carriers_lock);
        bool superfluous = leave_idle(carrier);
        ut_lock_release(&carriers_lock);
        if (superfluous)
            return false;
    }
}

static void keep_ended(struct ut_carrier *carrier)
{
    ut_lock_acquire(&carriers_lock);
    carrier->next_idle = ended;
    ended = carrier;
    ut_lock_release(&carriers_lock);
}

/* Memory for a carrier. It is never given back: others look at carriers that may just end. */
static struct ut_carrier *obtain(void)
{
    ut_lock_acquire(&carriers_lock);
    struct ut_carrier *carrier = ended;
    if (carrier)
        ended = carrier->next_idle;
    ut_lock_release(&carriers_lock);
    if (carrier)
        return carrier;
    carrier = ut_sys_map(sizeof *carrier);
    if (!carrier)
        return NULL;
    carrier->mask = UT_MASK_EVERY; /* as its thread starts: ut_carrier_any_admits looks from now on */
    ut_lock_acquire(&carriers_lock);
    carrier->next_made = made;
    __atomic_store_n(&made, carrier, __ATOMIC_RELEASE);
    ut_lock_release(&carriers_lock);
    return carrier;
}

static bool owns_a_lane(const struct ut_carrier *carrier)
{
    for (unsigned i = 0; i < ut_lane_count; i++)
        if ((atomic_load(&ut_lanes[i].owner) & ~UT_LANE_OPEN) == (uintptr_t)carrier)
            return true;
    return false;
}

/* Racy by nature; what is pointed to is never freed. */
void ut_carrier_each_pinned(void (*visit)(const struct ut_coro *coro,
                                          const struct ut_episode *episode))
{
    struct ut_carrier *carrier = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
    for (; carrier; carrier = carrier->next_made) {
        struct ut_coro *coro = __atomic_load_n(&carrier->current, __ATOMIC_RELAXED);
        struct ut_episode episode = carrier->pinned.since ? carrier->pinned : carrier->taken;
        if (coro && episode.since && !owns_a_lane(carrier))
            visit(coro, &episode);
    }
}

void ut_carrier_set_slice(struct ut_carrier *carrier, bool brief)
{
    if (carrier->brief == brief)
        return;
    carrier->brief = brief;
    ut_slice_set(carrier->thread_id, brief);
}

void ut_carrier_set_name(const char *name)
{
    ut_syscall3(SYS_prctl, 15 /* PR_SET_NAME */, name, 0);
}

/* A new carrier takes what is wanted, if nobody else has done so meanwhile. */
static void arrive(struct ut_carrier *carrier)
{
    ut_lock_acquire(&carriers_lock);
    coming--;
    take_wanted(carrier);
    ut_lock_release(&carriers_lock);
}

static void *carrier_main(void *argument)
{
    struct ut_carrier *carrier = argument;
    carrier->mask = UT_MASK_EVERY;
    carrier->alternate_stack = (stack_t){.ss_flags = SS_DISABLE};
    carrier->thread_id = (int)ut_syscall0(SYS_gettid);
    carrier->brief = true;
    carrier->altered = false;
    ut_tls.carrier = carrier;
    carrier->tls = &ut_tls;
    ut_tls.internal = true;
    ut_tls.critical = 1; /* for life: a carrier's own stack is no place for a handler */
    carrier->context.thread_pointer = ut_arch_thread_pointer();
    ut_carrier_set_name(UT_CARRIER_NAME);
    arrive(carrier);
    ut_sched_run_carrier(carrier);
    ut_count(carriers_ended);
    ut_tls.carrier = NULL; /* it will be another's: what this thread wakes on its way out is global */
    keep_ended(carrier);
    return NULL;
}

int ut_carrier_of(struct ut_coro *coro)
{
    struct ut_carrier *carrier = atomic_load(&coro->carrier);
    return carrier && __atomic_load_n(&carrier->current, __ATOMIC_RELAXED) == coro
               ? carrier->thread_id
               : 0;
}

int ut_carrier_start_thread(void *(*start)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    uint64_t all = UT_MASK_EVERY, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    int error = ut_libc.pthread_create(&thread, &attributes, start, argument);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    pthread_attr_destroy(&attributes);
    return -error;
}

/* Whether a carrier more is to be made. It counts as coming from now on. */
static bool one_more_is_wanted(void)
{
    ut_lock_acquire(&carriers_lock);
    bool wanted_more = wanted_count + wanted_reliefs > coming;
    coming += wanted_more;
    ut_lock_release(&carriers_lock);
    return wanted_more;
}

static void one_less_is_coming(void)
{
    ut_lock_acquire(&carriers_lock);
    coming--;
    ut_lock_release(&carriers_lock);
}

/*
 * False: no thread was to be had. What is wanted stays wanted until a carrier is there: the next one
 * that becomes idle may be sooner, and be the only one that there will ever be.
 */
static bool make_wanted(void)
{
    while (one_more_is_wanted()) {
        struct ut_carrier *carrier = obtain();
        int result = carrier ? ut_carrier_start_thread(carrier_main, carrier) : -ENOMEM;
        if (result < 0) {
            ut_log(UT_LOG_WARN, "no carrier could be started: error %d", -result);
            if (carrier)
                keep_ended(carrier);
            one_less_is_coming();
            return false;
        }
        ut_count(carriers_made);
    }
    return true;
}

static void *maker_main(void *unused)
{
    ut_tls.internal = true;
    ut_tls.critical = 1;
    ut_carrier_set_name("unthread-maker");
    ut_slice_set(0, true); /* and carriers begin with what their maker has */
    for (;;) {
        uint32_t seen = __atomic_load_n(&ut_carrier_departures.count, __ATOMIC_SEQ_CST);
        ut_tcb_settle(__atomic_exchange_n(&ut_carrier_departures.last, NULL, __ATOMIC_SEQ_CST));
        bool made_all = make_wanted();
        ut_sys_futex_wait(&ut_carrier_departures.count, seen,
                          made_all ? UT_FOREVER : ut_clock_now() + RETRY_TIME);
    }
    return unused;
}

int ut_carrier_start_maker(void)
{
    return ut_carrier_start_thread(maker_main, NULL);
}

void ut_carrier_forked(void)
{
    ut_slice_set(0, false); /* it may have been a carrier's */
    carriers_lock = (struct ut_lock){0};
    ut_carrier_departures = (struct ut_departures){0};
    ut_tcb_forked();
    idle = ended = made = NULL;
    wanted_count = wanted_reliefs = coming = 0;
}
