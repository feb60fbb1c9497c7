/* SPDX-License-Identifier: MIT */
#ifndef UT_THREAD_H
#define UT_THREAD_H

#include "shim.h"

/* Run the thread of the program that CORO was given; returns when it has ended. */
void ut_thread_body(struct ut_coro *coro);

/* The runtime starts, on the calling thread. */
void ut_thread_started(void);

/* Before the runtime starts: look up what cannot be looked up later. */
void ut_thread_prepare(void);

/* In a forked child: SELF, a coroutine of the parent or NULL, is the only thread. */
void ut_thread_forked(struct ut_coro *self);

#endif
