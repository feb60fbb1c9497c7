/* SPDX-License-Identifier: MIT */
/* The account on demand: UNTHREAD_STATS_SIGNAL. */
#ifndef UT_SUMMARY_H
#define UT_SUMMARY_H

#include <stdbool.h>

/* Take the signal, if the user has chosen one: when the library is loaded, and when it starts. */
void ut_summary_take_signal(void);

/* Is NUMBER that signal, so that the program's actions for it are only remembered? */
bool ut_summary_owns(int number);

#endif
