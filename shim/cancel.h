/* SPDX-License-Identifier: MIT */
#ifndef UT_CANCEL_H
#define UT_CANCEL_H

#include "shim.h"

enum { UT_SIGCANCEL = 32 }; /* glibc's own */

/* Hand the cancellation signal to glibc's handler, which may unwind. No critical section. */
void ut_cancel_by_signal(siginfo_t *info, void *context);

/* On a cancelled coroutine: act on it if its type is asynchronous. No critical section. */
void ut_cancel_asynchronously(void);

/* Is CORO's type asynchronous? False if this glibc does not let us see it. */
bool ut_cancel_is_asynchronous(const struct ut_coro *coro);

#endif
