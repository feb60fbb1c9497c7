/* SPDX-License-Identifier: MIT */
/* Thread control blocks made by glibc itself, without a kernel thread behind them. */
#ifndef UT_TCB_H
#define UT_TCB_H

struct ut_coro;

/*
 * Have glibc make a thread on CORO's stack and take its kernel thread away. Afterwards CORO can
 * be launched: it will run in ut_coro's loop. 0, -EAGAIN or -ENOMEM. Any context; some 20 µs.
 */
int ut_tcb_make(struct ut_coro *coro);

/* BORN and those behind it have left their kernel threads, the last one first. The maker. */
void ut_tcb_settle(struct ut_coro *born);

/* Around a fork, on the thread that makes it, in a critical section; in the child the next instead. */
void ut_tcb_fork_begin(void);
void ut_tcb_fork_end(void);

/* In a forked child. */
void ut_tcb_forked(void);

/*
 * On the coroutine itself, before it runs another thread: thread-local variables get their
 * initial values again, errno and locale theirs.
 */
void ut_tcb_renew(void);

/* A new thread id for CORO, which is to run another thread; where pthread's functions look, too. */
void ut_tcb_rename(struct ut_coro *coro);

/*
 * On the coroutine itself, when its thread has ended: as if it had never been cancelled. Not
 * later, because the next thread may be cancelled before it first runs.
 */
void ut_tcb_uncancel(struct ut_coro *coro);

/*
 * Before CORO runs another thread, and anybody knows of that: a cancellation may have come after
 * the last one had ended, but before it was joined.
 */
void ut_tcb_pardon(struct ut_coro *coro);

/* Mark the robust mutexes that CORO still holds as the kernel does when a thread dies. */
void ut_tcb_abandon_robust(struct ut_coro *coro);

#endif
