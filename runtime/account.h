/* SPDX-License-Identifier: MIT */
/*
 * The account, kept if it will be printed (the settings `stats` and `stats-signal`), of three things:
 * - what held a kernel thread: each time a coroutine kept its kernel thread and its lane had to go
 *   on with another one is an episode, summed up by what held the thread and by the thread's start
 *   routine;
 * - which locks were waited for, by lock and call: each sleep is an episode;
 * - which threads there were, by start routine: each life is an episode.
 * Of the longest episode of a kind the stack is kept, too (but not of lives).
 */
#ifndef UT_ACCOUNT_H
#define UT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct ut_coro;

struct ut_episode {
    const char *what; /* a constant: the call's name, UT_COMPUTES, ...; NULL: an undeclared call */
    long call;        /* then: the system call's number, see observe.h */
    uintptr_t where;  /* and the program counter; 0: not known */
    const void *lock; /* NULL: it was no wait for a lock */
    int64_t since;    /* 0: there is no episode */
    bool unannounced; /* it was no blocking region, which says what it is about to do */
};

extern const char UT_COMPUTES[], UT_FAULTS[];

/* Once, at the start, before there are coroutines. */
void ut_account_start(void);

/* Is there an account? Any context. */
bool ut_account_is_kept(void);

/*
 * EPISODE of CORO, the caller, is over; clears it. On its own stack (which is what is recorded),
 * in a critical section, with or without a lane. Allocates nothing; some 100 ns, and 10 µs for
 * the few that are the longest of their kind so far.
 */
void ut_account_close(struct ut_coro *coro, struct ut_episode *episode);

/* The same for a wait for EPISODE->lock, which CORO does not have yet: unwinding takes a while. */
void ut_account_waited(struct ut_coro *coro, struct ut_episode *episode);

/* A thread of the program begins and ends on CORO, the caller, in a critical section. */
void ut_account_begin_life(struct ut_coro *coro);
void ut_account_end_life(struct ut_coro *coro);

/* Write the ten worst of each to the log, and what is still going on. Any native context; may block. */
void ut_account_print(void);

/* In a forked child: there was nothing. */
void ut_account_forked(void);

#endif
