/* SPDX-License-Identifier: MIT */
/* For calls inside libc that open or close descriptors: what open(2) and close(2) do besides. */
#ifndef UT_DESCRIPTORS_H
#define UT_DESCRIPTORS_H

#include <stdint.h>

struct ut_coro;

/* FD, if it is one, is new: the runtime's table forgets what had the number. FD; keeps errno. */
int ut_descriptors_opened(int fd);

/* A descriptor that is being closed. */
struct ut_closing {
    int fd;
    uint32_t generation; /* see ut_fd_closed */
};

/*
 * FD will be closed in a moment. Parks for a lingering socket, if SELF is a coroutine; it is a
 * cancellation point then. Ends by ut_descriptors_closed, whether it could be closed or not.
 */
struct ut_closing ut_descriptors_closing(struct ut_coro *self, int fd);
void ut_descriptors_closed(struct ut_closing *closing);

#endif
