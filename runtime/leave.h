/* SPDX-License-Identifier: MIT */
/*
 * The coroutine's side of a switch: how it leaves its kernel thread (ut_sched_park, ut_sched_yield
 * and ut_sched_retire are here), and how it comes back.
 */
#ifndef UT_LEAVE_H
#define UT_LEAVE_H

struct ut_coro;

/*
 * On SELF, right after it has been switched to, in a critical section. If that was another
 * coroutine's doing and not the carrier's, SELF opens the lane and sees to what the other one has
 * left for. And a signal that came when SELF's mask had been loaded and its thread pointer had not
 * waits in the state of who switched: it is SELF's, for the end of the critical section.
 */
void ut_leave_arrive(struct ut_coro *self);

#endif
