/* SPDX-License-Identifier: MIT */
/*
 * Calls inside libc. A preload only comes between the program and libc; where libc calls itself
 * past any preload, its own memory is changed, once, when the runtime starts: words of tables of
 * functions, and the entry of a function.
 */
#ifndef UT_INNER_H
#define UT_INNER_H

#include <stdbool.h>

/* Redirect what can be. Idempotent; at the start of the runtime, before it has other threads. */
void ut_inner_start(void);

/*
 * Put FUNCTION into SLOT of a table of libc's that the dynamic linker made read-only after it had
 * relocated it; the protection is the same afterwards. Other threads may be calling through the
 * slot. False, with nothing changed, if it is not such a table or the kernel refuses.
 */
bool ut_inner_set_slot(void **slot, void *function);

/* One that could not be redirected: WHAT is a constant text for the log. */
void ut_inner_left(const char *what);

/* Has libc's own poll, in which its resolver waits, been redirected to ours? */
bool ut_inner_polls(void);

#endif
