/* SPDX-License-Identifier: MIT */
/* For calls inside libc that open or close descriptors: what open(2) and close(2) do besides. */
#ifndef UT_DESCRIPTORS_H
#define UT_DESCRIPTORS_H

struct ut_coro;

/* FD, if it is one, is new: the runtime's table forgets what had the number. FD; keeps errno. */
int ut_descriptors_opened(int fd);

/*
 * FD will be closed in a moment. Parks for a lingering socket, if SELF is a coroutine; it is a
 * cancellation point then.
 */
void ut_descriptors_closing(struct ut_coro *self, int fd);

#endif
