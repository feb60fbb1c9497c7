/* SPDX-License-Identifier: MIT */
#ifndef UT_SIGNALS_H
#define UT_SIGNALS_H

#include "shim.h"

#include <string.h>

/* Sets of signals as the kernel has them, in one word: bit n - 1 for signal n. */
static inline uint64_t ut_signal_bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static inline uint64_t ut_signal_bits(const sigset_t *set)
{
    uint64_t bits;
    memcpy(&bits, set, sizeof bits); /* sigset_t has room for more */
    return bits;
}

/* Put our trampoline in front of the handlers that are installed, and of all later ones. */
void ut_signals_start(void);

/* ut_critical_deliver: run what waited for the end of a critical section. */
void ut_signals_deliver(void);

/* The kernel calls it for every signal that has a handler. */
void ut_signals_trampoline(int signal, siginfo_t *info, void *context);

/* For the handler of glibc's own cancellation signal. */
void ut_signals_cancel_trampoline(int signal, siginfo_t *info, void *context);

/* On a coroutine that has unwound out of a handler: put its mask in force again. */
void ut_signals_left_handler(void);

/* In a forked child: what had to wait in the parent is the parent's; the mask is as it was before. */
void ut_signals_forked(void);

/* The coroutine with this virtual kernel thread id, or NULL. */
struct ut_coro *ut_signals_find(pid_t thread);

/* What the kernel does about SIGNAL where there is no handler: to the whole process, if anything. */
void ut_signals_default_action(int signal);

/* Send INFO's signal to CORO alone. Any context. */
void ut_signals_direct(struct ut_coro *coro, const siginfo_t *info);

/*
 * SELF blocks SET from now on: what it had been passed of these for the process goes to others, as by the
 * kernel's retarget_shared_pending (kernel/signal.c).
 */
void ut_signals_retarget(struct ut_coro *self, uint64_t set);
/* The same for all, at SELF's end: ut_coro_bequeath. */
void ut_signals_bequeath(struct ut_coro *self);

/*
 * SELF has caused SIGNAL by a system call, and blocks it: SIGPIPE with EPIPE, SIGXFSZ with EFBIG. The
 * kernel keeps it for this kernel thread; it is to be SELF's wherever that goes on. Keeps errno.
 */
void ut_signals_keep_own(struct ut_coro *self, int signal);

/* Did the kernel hand INFO out for what is a directed signal, pending in its coroutine? */
bool ut_signals_is_kick(const siginfo_t *info);

#endif
