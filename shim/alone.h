/* SPDX-License-Identifier: MIT */
#ifndef UT_ALONE_H
#define UT_ALONE_H

#include "shim.h"

/*
 * The caller is about to change what the kernel keeps for its thread alone: if it is a coroutine it has a
 * kernel thread of its own from here on. No critical section may be open. (In a handler that came at any
 * instruction it cannot be had, see ut_sched_yield.)
 */
void ut_alone(void);

/* Has it done so? Then threads that it makes are to inherit that. */
bool ut_is_altered(const struct ut_coro *coro);

/* sched_setattr(2) and sched_getattr(2), for which libc has no functions. */
int ut_set_scheduling(pid_t thread, const void *attributes, unsigned flags);
int ut_get_scheduling(pid_t thread, void *attributes, unsigned size, unsigned flags);

/* Does prctl(2) with this OPTION change such a thing? */
bool ut_alone_for_prctl(int option);

#endif
