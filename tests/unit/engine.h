/* SPDX-License-Identifier: MIT */
/*
 * The runtime inside a test's own process, without the shim: plain pthreads stay native threads,
 * and coroutines are obtained, launched and joined by these few functions.
 */
#ifndef UNIT_ENGINE_H
#define UNIT_ENGINE_H

#include "coro.h"
#include "critical.h"
#include "sched.h"

#include <sched.h>
#include <stdbool.h>

/*
 * Like an assertion, but for any thread or coroutine: Criterion's own jump to the test's frame,
 * which is on another stack. Says what failed and aborts.
 */
#define must(condition)                                                                            \
    ((condition) ? (void)0 : engine_failed(#condition, __FILE__, __LINE__))

void engine_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

/* Wait for what another thread brings about; a test's timeout ends it if it never comes. */
#define until(condition)                                                                           \
    do {                                                                                           \
    } while (!(condition) && (sched_yield(), true))

/* Start the runtime with this many lanes. */
void engine_start(unsigned lanes);

/* A coroutine that runs START(ARGUMENT). Any thread or coroutine. */
struct ut_coro *engine_launch(void *(*start)(void *), void *argument);
struct ut_coro *engine_launch_detached(void *(*start)(void *), void *argument);

/* An obtained coroutine that is not launched, and the rest of the launch. */
struct ut_coro *engine_obtain(void *(*start)(void *), void *argument);
void engine_release(struct ut_coro *coro);

/* Join it; its result. */
void *engine_join(struct ut_coro *coro);

/* Launch and join. */
void *engine_run(void *(*start)(void *), void *argument);

/* On a coroutine. */
void engine_yield(void);

/* How many kernel threads this process has. */
unsigned engine_kernel_threads(void);

#endif
