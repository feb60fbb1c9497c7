/* SPDX-License-Identifier: MIT */
#ifndef UT_SIGNALS_H
#define UT_SIGNALS_H

#include "shim.h"

/* Put our trampoline in front of the handlers that are installed, and of all later ones. */
void ut_signals_start(void);

/* ut_critical_deliver: run what waited for the end of a critical section. */
void ut_signals_deliver(void);

/* For the handler of glibc's own cancellation signal. */
void ut_signals_cancel_trampoline(int signal, siginfo_t *info, void *context);

/* On a coroutine that has unwound out of a handler: put its mask in force again. */
void ut_signals_left_handler(void);

/* The coroutine with this virtual kernel thread id, or NULL. */
struct ut_coro *ut_signals_find(pid_t thread);

/* Send SIGNAL to CORO alone. 0 or a positive error. Any context. */
int ut_signals_direct(struct ut_coro *coro, const siginfo_t *info);

/*
 * For sigwait: take a signal of SET (bits) that was directed at SELF and is pending. Its number
 * with *INFO, or 0. Not in a critical section.
 */
int ut_signals_take(struct ut_coro *self, uint64_t set, siginfo_t *info);

/* Did the kernel hand INFO out for what is a directed signal, pending in its coroutine? */
bool ut_signals_is_kick(const siginfo_t *info);

#endif
