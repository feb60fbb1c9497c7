/* SPDX-License-Identifier: MIT */
#ifndef UT_SIGNALFD_H
#define UT_SIGNALFD_H

#include "io.h"

/*
 * An attempt to read from a signalfd; KERNEL_ATTEMPT is the one that asks the kernel. After the call
 * SELF->awaits_signals is to be cleared.
 */
long ut_signalfd_attempt(struct ut_io *io, long (*kernel_attempt)(struct ut_io *io));

/* Would SELF read from FD, a signalfd, one that was directed at it? For poll. */
bool ut_signalfd_ready(struct ut_coro *self, int fd);

#endif
