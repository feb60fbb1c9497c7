/* SPDX-License-Identifier: MIT */
/*
 * How a carrier runs one coroutine: with its lane open, without a lane, or as the only one for
 * life; and how carriers without a lane help out. For sched.c and monitor.c; on carriers.
 */
#ifndef UT_RUN_H
#define UT_RUN_H

#include "account.h"
#include "sched.h"


/*
 * Run CORO, on CARRIER's own stack, until it leaves, and see to what it left for: the essay in
 * sched.c. LANE is the carrier's, or NULL. May return without the lane.
 */
void ut_run(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_coro *coro);

/* Only in queues: asking LANE's reactor costs a system call, and the monitor will do that. */
bool ut_run_others_wait(struct ut_lane *lane);

/* The carrier goes on without LANE, because its coroutine will hold it: WHY is entered. */
void ut_run_hand_over(struct ut_carrier *carrier, struct ut_lane *lane, struct ut_episode why);

/*
 * A blocking region of CORO, the caller, is over, and it has no lane. May it go on without? It would be one
 * kernel thread more that wants a CPU, as natively, but waits for no lane; who writes to a disk and
 * waits for it, again and again, needs none at all. So as many as there are lanes may, until they park or
 * block next; the others queue. What has held the kernel thread is entered.
 */
bool ut_run_go_on(struct ut_carrier *carrier, struct ut_coro *coro);

/* It parks or blocks: it is not one of these any more. */
void ut_run_end_going_on(struct ut_carrier *carrier);

/* CORO, the caller, holds its kernel thread no longer: that is entered, if it did. */
void ut_run_unpin(struct ut_carrier *carrier, struct ut_coro *coro);

/*
 * Relief: on a carrier without a lane, run what waits in any queue, as long as coroutines that
 * compute hold kernel threads. They compete with the lanes for the CPUs, and the kernel
 * shares these out by kernel threads: natively all that wait would have one.
 */
void ut_run_relief(struct ut_carrier *carrier);

/* How many coroutines compute on a kernel thread of their own; who takes a lane away counts. */
unsigned ut_run_hogs(void);
void ut_run_count_hog(const struct ut_episode *episode, int change);

/* A signal came while the carrier was on its own stack: see that some coroutine gets it. */
void ut_run_forward_signals(void);

/*
 * What a coroutine that goes straight to the next one does as a carrier would (leave.c). Open the
 * lane: from here on the monitor may take it. A tick is a coroutine resumed. CORO has switched away:
 * see to what it has left for. The signals that wait in FROM, of the same kernel thread, are for the
 * caller, at the end of its critical section.
 */
void ut_run_open_lane(struct ut_carrier *carrier, struct ut_lane *lane);
void ut_run_count_tick(struct ut_lane *lane);
void ut_run_settle(struct ut_coro *coro, enum ut_after_switch after);
void ut_run_take_signals(struct ut_tls *from);

/* In a forked child. */
void ut_run_forked(void);

#endif
