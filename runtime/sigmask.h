/* SPDX-License-Identifier: MIT */
/*
 * Which signals some coroutine would take. The kernel gives a signal of the process to a thread
 * that does not block it; a parked coroutine has none. So the monitor accepts, on behalf of all
 * coroutines, what at least one of them does not block (the shim's handler passes it on).
 * Masks are counted, not coroutines visited: programs have few different ones.
 */
#ifndef UT_SIGMASK_H
#define UT_SIGMASK_H

#include <stdint.h>

/* A coroutine has MASK, or has it no more. Any context, also in a signal handler; lock-free. */
void ut_sigmask_add(uint64_t mask);
void ut_sigmask_remove(uint64_t mask);

/* The signals that every coroutine blocks. */
uint64_t ut_sigmask_blocked_by_all(void);

/*
 * If every coroutine blocks SIGNALS (bits): wait until the kernel threads that carry coroutines, and the monitor, do,
 * too. They follow by themselves (sum_up calls them), but some microseconds later, and one that still lets a
 * signal in may end the process by its default. At most 100 ms, then it is counted (signals_unsettled). Any context.
 */
void ut_sigmask_await(uint64_t signals);

/* In a forked child: there are none. */
void ut_sigmask_forked(void);

#endif
