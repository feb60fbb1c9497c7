/* SPDX-License-Identifier: MIT */
/* The program's signal actions. Handlers get our trampoline in front, so the kernel's are others.
 */
#ifndef UT_SIGACTIONS_H
#define UT_SIGACTIONS_H

#include <signal.h>
#include <stdbool.h>

enum { UT_SIGNALS = 65 };

/* What the program has said about SIGNAL. Any context. */
struct sigaction ut_sigaction_of(int signal);

bool ut_has_handler(const struct sigaction *action);

/* Is nothing done about SIGNAL when its action is SIG_DFL? */
bool ut_ignored_by_default(int signal);

/* Has siginterrupt(3) said that calls are not restarted after SIGNAL, for signal(2)? */
bool ut_signal_interrupts(int signal);

/* SA_RESETHAND has taken SIGNAL's handler away. Any context. */
void ut_sigaction_reset(int signal);

/*
 * Around a fork, in a critical section, so that no entry is half written in the child; there the last
 * one instead of the second.
 */
void ut_sigactions_fork_begin(void);
void ut_sigactions_fork_end(void);
void ut_sigactions_forked(void);

#endif
