/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: lanes, the carriers that run them, and how coroutines come and go.
 * The essay at the top of sched.c explains it.
 */
#ifndef UT_SCHED_H
#define UT_SCHED_H

#include "account.h"
#include "arch.h"
#include "runq.h"
#include "timer.h"
#include "tls.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ut_coro;
struct ut_reactor;

/* Set in a lane's owner word while a coroutine runs: the monitor may take the lane away. */
#define UT_LANE_OPEN ((uintptr_t)1)

enum { /* in ticks of a lane */
    UT_GLOBAL_EVERY = 61, /* keeps the global queue from starving behind a busy local one */
    UT_POLL_EVERY = 32,   /* the same for descriptors and timers; events taken at a time */
    UT_OLDEST_EVERY = 16, /* keeps the queue from starving behind two that wake each other */
};

/* What the carrier does for a coroutine that has just switched away from itself. */
enum ut_after_switch {
    UT_AFTER_PARK,   /* it waits; unless it was woken meanwhile */
    UT_AFTER_YIELD,  /* it is runnable, behind all others */
    UT_AFTER_RETIRE, /* its thread has ended */
};

struct ut_carrier {
    struct ut_context context;     /* of the scheduler, while a coroutine runs */
    struct ut_lane *lane;          /* which it believes to own; written by itself, or while idle */
    struct ut_coro *current;       /* read by the monitor for its reports */
    enum ut_after_switch after;    /* set by the coroutine that leaves */
    struct ut_coro *left;          /* it went straight to `current`, which sees to it: leave.c;
                                      written and read by this kernel thread only */
    _Atomic uint64_t mask;         /* the kernel's signal mask of this thread; written by itself */
    _Atomic bool changes_mask;     /* that is not in force yet; see ut_carrier_any_admits */
    stack_t alternate_stack;       /* and its alternate signal stack */
    int thread_id;                 /* the kernel's */
    struct ut_tls *tls;            /* its own, while no coroutine runs */
    bool loose;                    /* its coroutine goes on without a lane, see ut_run_go_on */
    bool altered;                  /* its kernel thread is not as others: it ends with its coroutine */
    bool brief;                    /* it has a short slice: by itself, or by who takes its lane */
    _Atomic(const char *) region;  /* the blocking call its coroutine is in, or NULL */
    bool without;                  /* that has begun without a lane */
    _Atomic uint32_t region_entry; /* counts regions, so that two looks can be told apart */
    struct ut_episode pinned;      /* its coroutine runs without a lane; written by itself */
    struct ut_episode taken;       /* why the monitor takes its lane: written before it does */
    _Atomic int64_t relief;        /* not 0: it has no lane and helps out; since its last turn */
    struct ut_carrier *next_made;  /* all that were ever made; constant */
    /* While idle: next in the list under the carriers' lock, and the word it sleeps on. */
    struct ut_carrier *next_idle;
    _Atomic uint32_t called;
};

struct ut_lane {
    /*
     * The carrier that owns it, with UT_LANE_OPEN while it runs a coroutine. Who changes it from
     * open to closed by compare-and-swap owns the lane: its carrier when the coroutine enters
     * the runtime (ut_sched_claim), or the monitor when it takes the lane from a stuck carrier.
     */
    _Atomic uintptr_t owner;
    _Atomic uint32_t ticks;   /* coroutines resumed; written by the owner, read by the monitor */
    _Atomic bool sleeping;    /* the owner sleeps in the reactor or is about to */
    _Atomic bool started;     /* it has or had an owner */
    _Atomic uint64_t accepts; /* what its sleeping owner lets in, see ut_sched_shed_signals */
    unsigned index;
    struct ut_runq queue;
    struct ut_timers timers;
    struct ut_reactor *reactor;
} __attribute__((aligned(128)));

extern struct ut_lane *ut_lanes;
extern unsigned ut_lane_count;

/* Make the lanes and the monitor. 0 or -errno. Once, on a native thread, before any coroutine. */
int ut_sched_start(void);
bool ut_sched_started(void);

/*
 * No coroutine takes SIGNALS (bits) any more: wake the owners that sleep with the mask of one that
 * did, so that they block them. Any context, also in a signal handler.
 */
void ut_sched_shed_signals(uint64_t signals);

/* Run CORO, whose thread fields are set, for the first time or again. Any context. */
void ut_sched_launch(struct ut_coro *coro);

/* On a coroutine, in a critical section; see wait.h. Returns, maybe on another carrier, when woken. */
void ut_sched_park(struct ut_coro *self);

/* Make a parked coroutine, or one about to park, runnable. Any context. Once for each park. */
void ut_sched_wake(struct ut_coro *coro);

/*
 * On a coroutine, in a critical section: let the others run first. In a signal handler that came
 * at any instruction it returns on the same carrier, and without a lane if it had none.
 */
void ut_sched_yield(struct ut_coro *self);

/* On a coroutine, in a critical section: its thread is over. Returns when it is launched again. */
void ut_sched_retire(struct ut_coro *self);

/* Arm SELF's timer on the lane it runs on. */
void ut_sched_arm(struct ut_coro *self, struct ut_timer *timer);

/*
 * The calling context's lane, closed to the monitor, or NULL if it has none. Coroutines must give
 * it back by ut_sched_unclaim soon; on a carrier's own stack it is its lane anyway.
 */
struct ut_lane *ut_sched_claim(void);
void ut_sched_unclaim(struct ut_lane *lane);

/*
 * From its next resumption on CORO has a kernel thread of its own, until its thread ends: it
 * still parks by the runtime's means, but nobody else runs on its carrier. Any context.
 */
void ut_sched_bind(struct ut_coro *coro);

/* Wake a lane that sleeps, if work may be waiting and nobody looks for it yet. Any context. */
void ut_sched_kick(void);

/* Have those that the monitor found blocked lately been so for some milliseconds only? */
bool ut_sched_blocks_briefly(void);

/* Queue a coroutine whose wait is over where it will run soonest. Once. Any context. */
void ut_sched_make_runnable(struct ut_coro *coro);

/* Queue one that has yielded, behind all others. On the carrier that owns LANE or, NULL, none. */
void ut_sched_requeue(struct ut_lane *lane, struct ut_coro *coro);

/* The life of a carrier: runs lane after lane; returns when it has been idle for long. */
void ut_sched_run_carrier(struct ut_carrier *carrier);

/*
 * SELF, the caller, is about to make a child process, which inherits the time slice of the kernel
 * thread: that is the usual one until it next begins to run with a lane.
 */
void ut_sched_usual_slice(struct ut_coro *self);

/*
 * A blocking region: the calling coroutine is about to make a call that may hold its kernel
 * thread. SYMBOL is a constant string. With SLOW the lane is handed over at once, else after
 * a while, by the monitor. Between the two the coroutine is like a native thread.
 * No critical section may be open. If the lane was lost ut_region_end goes on without (ut_run_go_on), or
 * waits for one (but not in a signal handler, see ut_sched_yield); true if there was none to lose, or it
 * was not lost.
 */
void ut_region_begin(struct ut_coro *self, const char *symbol, bool slow);
bool ut_region_end(struct ut_coro *self);

/* A lane that was handed over, to see whether that was of any use. */
struct ut_gift {
    struct ut_lane *lane; /* NULL: there was none to hand over */
    uint32_t ticks;
};

/*
 * Within a region: it is slow after all, hand the lane over now; but if ANYWAY is false only if somebody
 * waits in a queue.
 */
struct ut_gift ut_region_give(struct ut_coro *self, bool anyway);

/* Before the region's end: has somebody run on the lane since? Any context. */
bool ut_gift_was_used(struct ut_gift gift);

/*
 * The symbol of the region that SELF, the caller, is in, or NULL. In one a call inside the call may
 * block, for that is declared; it may also park, and then the region is over.
 */
const char *ut_region_open(struct ut_coro *self);

/* In a forked child: nothing has been started. */
void ut_sched_forked(void);

#endif
