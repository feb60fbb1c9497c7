/* SPDX-License-Identifier: MIT */
/*
 * Signals directed at one coroutine that it has not taken yet, with what came with them: as in the
 * kernel, real-time ones are queued, of the others there is one at most, the first (signal(7)).
 */
#ifndef UT_SIGQUEUE_H
#define UT_SIGQUEUE_H

#include "coro.h"

/*
 * Make INFO pending in CORO. SHARED: a carrier got it for the process, which must not lose it; then a
 * CORO that blocks it by now, or has ended, refuses: false. In a critical section.
 */
bool ut_sigqueue_add(struct ut_coro *coro, const siginfo_t *info, bool shared);

/* Take one of SET that CORO had been passed for the process: its number, or 0. In a critical section. */
int ut_sigqueue_take_shared(struct ut_coro *coro, uint64_t set, siginfo_t *info);

/* Are there as many as RLIMIT_SIGPENDING allows? Then sigqueue(3) fails. Any context. */
bool ut_sigqueue_full(void);

/* Take the first of SET (bits) as the kernel would: its number with *INFO, or 0. Any context. */
int ut_sigqueue_take(struct ut_coro *coro, uint64_t set, siginfo_t *info);

/* Forget all: CORO gets a new thread. */
void ut_sigqueue_clear(struct ut_coro *coro);

void ut_sigqueue_forked(struct ut_coro *self);

#endif
