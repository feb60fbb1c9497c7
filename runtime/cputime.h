/* SPDX-License-Identifier: MIT */
/*
 * The CPU time of each coroutine. The kernel counts that of kernel threads; asking for it at every
 * switch would cost more than the switch, so counting begins when somebody first asks for the time
 * of any coroutine: what the living ones have used before is not known, and is not in it.
 */
#ifndef UT_CPUTIME_H
#define UT_CPUTIME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ut_coro;

extern _Atomic bool ut_cputime_counting;

/* CORO begins and ends to run on the calling kernel thread. Only while ut_cputime_counting. */
void ut_cputime_enter(struct ut_coro *coro);
void ut_cputime_leave(struct ut_coro *coro);

/* Nanoseconds that CORO's thread has used. Any context, no lock. */
int64_t ut_cputime_of(struct ut_coro *coro);

#endif
