/* SPDX-License-Identifier: MIT */
#ifndef UT_SIGNALFD_H
#define UT_SIGNALFD_H

#include "io.h"

#include <sys/epoll.h>

/*
 * An attempt to read from a signalfd; KERNEL_ATTEMPT is the one that asks the kernel. After the
 * call SELF->awaits_signals is to be cleared.
 */
long ut_signalfd_attempt(struct ut_io *io, long (*kernel_attempt)(struct ut_io *io));

/* Has the program one? If not, the calls below need not be made. */
extern _Atomic bool ut_signalfd_used;

/* Would SELF read from FD a signal that was directed at it? For poll. Any descriptor. */
bool ut_signalfd_ready(struct ut_coro *self, int fd);

/* The same for the set EPOLL: the number of events, one at most, that *EVENT has then. */
int ut_signalfd_in_epoll(struct ut_coro *self, int epoll, struct epoll_event *event);

#endif
