/* SPDX-License-Identifier: MIT */
#ifndef UT_PROCESS_H
#define UT_PROCESS_H

#include "shim.h"

#include <sys/resource.h>

/* waitid(2) of coroutine SELF with the kernel's fifth argument, which may be NULL. As libc returns. */
long ut_process_waitid(struct ut_coro *self, int type, int id, siginfo_t *info, int options,
                       struct rusage *usage);

#endif
