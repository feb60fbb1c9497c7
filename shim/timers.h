/* SPDX-License-Identifier: MIT */
#ifndef UT_TIMERS_H
#define UT_TIMERS_H

#include "shim.h"

#include <signal.h>
#include <time.h>

/*
 * Is INFO from a timer that signals a coroutine? Then *CORO is that, or NULL if its thread has
 * ended. Async-signal-safe.
 */
bool ut_timers_target(const siginfo_t *info, struct ut_coro **coro);

/* CORO's thread ends: its timers signal nobody. */
void ut_timers_forget(struct ut_coro *coro);

/* In a forked child, which inherits no timer. */
void ut_timers_forked(void);

/* timer_create(2) as the system call: *NUMBER is the kernel's. */
int ut_timers_create(clockid_t clock, struct sigevent *event, int *number);

#endif
