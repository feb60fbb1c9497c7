/* SPDX-License-Identifier: MIT */
/* Carriers: the kernel threads that run coroutines, and the pool of idle ones. */
#ifndef UT_CARRIER_H
#define UT_CARRIER_H

#include "account.h"
#include "arch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct ut_carrier;
struct ut_coro;
struct ut_lane;

/* Every signal but glibc's own two (32, 33: cancellation and setuid, which waits for all threads). */
#define UT_MASK_EVERY (~(UINT64_C(3) << 31))

/*
 * The same without the faults, which must reach whoever makes them. For threads that pass on what comes:
 * a fault may also be sent, by kill(2), and then the kernel gives it to any thread that lets it in.
 */
#define UT_MASK_ALL                                                                                \
    (UT_MASK_EVERY & ~(UINT64_C(1) << (SIGSEGV - 1) | UINT64_C(1) << (SIGBUS - 1) |                \
       UINT64_C(1) << (SIGFPE - 1) | UINT64_C(1) << (SIGILL - 1) | UINT64_C(1) << (SIGTRAP - 1) |  \
       UINT64_C(1) << (SIGSYS - 1)))

/* How many lanes this process should have: the setting, or the CPUs it may use. */
unsigned ut_carrier_cpus(void);

/*
 * Give LANE, which the caller owns (or which never had an owner), to an idle carrier; if there is
 * none the maker makes one. Any context, in a critical section.
 */
void ut_carrier_give(struct ut_lane *lane);

/*
 * On a carrier's own stack, with every signal blocked and none left to forward: sleep until a lane is
 * given, or relief is wanted. False: idle for long, the thread ends.
 */
bool ut_carrier_await(struct ut_carrier *carrier);

/* Give CARRIER's kernel thread a short time slice, or its usual one. System calls if it differs. */
void ut_carrier_set_slice(struct ut_carrier *carrier, bool brief);

/* Name the calling kernel thread, for ps(1) and top(1). */
void ut_carrier_set_name(const char *name);
#define UT_CARRIER_NAME "unthread"

/*
 * Call VISIT for each coroutine that holds its kernel thread at the moment, as far as that can be
 * told from outside. Any context; what is shown may be over by then.
 */
void ut_carrier_each_pinned(void (*visit)(const struct ut_coro *coro,
                                          const struct ut_episode *episode));

/* A set of CPUs, as the kernel has them: up to 16,384. */
struct ut_cpus {
    unsigned long words[16384 / (8 * sizeof(unsigned long))];
};

/* Those that this process could use when the runtime started: carriers run on any of them. */
const struct ut_cpus *ut_carrier_usual_cpus(void);

/*
 * CORO's CPUs have been set: let its kernel thread have them, if it has one of its own, or get it one.
 * The caller holds CORO's lock. Any context.
 */
void ut_carrier_apply_cpus(struct ut_coro *coro);

/* CORO has (BOUND) or no more has the calling carrier to itself, with the CPUs that it is to run on. */
void ut_carrier_bind(struct ut_carrier *carrier, struct ut_coro *coro, bool bound);

/* Make the kernel's signal mask of the calling carrier MASK. A system call only if it differs. */
void ut_carrier_set_mask(struct ut_carrier *carrier, uint64_t mask);

/* Does the kernel thread of some carrier let in one of SIGNALS (bits)? Any context. */
bool ut_carrier_any_admits(uint64_t signals);

/* As ut_carrier_set_mask for the alternate signal stack. */
void ut_carrier_set_alternate_stack(struct ut_carrier *carrier, const stack_t *stack);

/*
 * See that up to MOST carriers without a lane are at work in ut_run_relief; those that have been stuck
 * with one coroutine for long do not count. The monitor.
 */
void ut_carrier_relieve(unsigned most);

/* Where the kernel threads of newborn coroutines leave them to the maker; see arch.h. */
extern struct ut_departures ut_carrier_departures;

/*
 * Start the maker, the thread that makes carriers for the lanes that wait for one, and launches
 * coroutines that have been born meanwhile. (Threads share
 * the descriptor table of who made them: so it cannot be the monitor, which has one of its own.
 * And it cannot be whoever needs a carrier, which may be a coroutine inside malloc.) 0 or -errno.
 */
int ut_carrier_start_maker(void);

/* CPU time of CARRIER's kernel thread in ns. Any thread; a system call. */
int64_t ut_carrier_cpu_time(struct ut_carrier *carrier);

/* Start a kernel thread of the runtime's own, all signals blocked. 0 or -errno. */
int ut_carrier_start_thread(void *(*start)(void *), void *argument);

/* Is CORO running on a carrier at this moment? Its kernel thread id then, else 0. Any context. */
int ut_carrier_of(struct ut_coro *coro);

/* In a forked child. */
void ut_carrier_forked(void);

#endif
