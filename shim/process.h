/* SPDX-License-Identifier: MIT */
#ifndef UT_PROCESS_H
#define UT_PROCESS_H

#include "shim.h"

#include <sys/resource.h>

/* waitid(2) of coroutine SELF with the kernel's fifth argument, which may be NULL. As libc returns. */
long ut_process_waitid(struct ut_coro *self, int type, int id, siginfo_t *info, int options,
                       struct rusage *usage);

/*
 * Before a child is made by a call of libc's that runs no fork handlers: it shares the open file
 * descriptions, and begins with what the kernel thread has.
 */
void ut_process_before_child(void);

#endif
