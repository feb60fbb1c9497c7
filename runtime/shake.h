/* SPDX-License-Identifier: MIT */
/*
 * Shaking: pseudo-random delays and moves where another thread could come between, for hunting
 * races. A window of some nanoseconds, which a test would meet once in a million rounds, is
 * then as wide as a window of some tens of microseconds.
 *
 * With the setting `seed` coroutines yield at cancellation points (ut_shake_call), in every build,
 * and go on on another carrier after each switch (refuse, in sched.c). The
 * points inside the runtime exist in builds with the meson option `shake` only, which
 * defines UT_SHAKE; such builds shake always, with seed 1 unless another one is set.
 */
#ifndef UT_SHAKE_H
#define UT_SHAKE_H

#include "config.h"

#include <stdbool.h>

struct ut_coro;

/* Are coroutines to change their carrier whenever they yield? */
static inline bool ut_shake_moves(void)
{
#ifdef UT_SHAKE
    return true;
#else
    return __builtin_expect(ut_config.seed != 0, 0);
#endif
}

/* At random: yield. Coroutines, outside critical sections. */
void ut_shake_maybe_yield(struct ut_coro *self);

/*
 * A cancellation point, where a thread could lose its CPU: the coroutine may yield, and go on on
 * another carrier. Coroutines, outside critical sections.
 */
static inline void ut_shake_call(struct ut_coro *self)
{
    if (ut_shake_moves())
        ut_shake_maybe_yield(self);
}

/* A coin. */
bool ut_shake_toss(void);

/* Is this one to leave its carrier by the long way, although there is a short one? At random. */
static inline bool ut_shake_detours(void)
{
    return ut_shake_moves() && ut_shake_toss();
}

#ifdef UT_SHAKE

/* The kernel thread may be late here. Any context, with or without locks. */
void ut_shake(void);

/* The same where the caller may park: on a coroutine, without locks, in a critical section. */
void ut_shake_and_move(struct ut_coro *self);

#else
#define ut_shake() ((void)0)
#define ut_shake_and_move(self) ((void)0)
#endif

#endif
