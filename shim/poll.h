/* SPDX-License-Identifier: MIT */
/* poll(2) behind the interposed name, for inner.c. */
#ifndef UT_POLL_H
#define UT_POLL_H

#include <poll.h>

/* As libc calls it itself, for descriptors that it opened and will close without our knowledge. */
int ut_poll_inner(struct pollfd *fds, nfds_t count, int timeout);

/* What libc's function does when it is called by a native thread. */
int ut_poll_native(struct pollfd *fds, nfds_t count, int timeout);

#endif
