/* SPDX-License-Identifier: MIT */
/*
 * The runtime's own descriptors. They have high numbers, which the program hardly meets, are
 * closed by exec, and as far as the program can see they do not exist.
 */
#ifndef UT_OURS_H
#define UT_OURS_H

#include <stdbool.h>

/*
 * Move FD, which the runtime made for itself, to a high number and remember that it is ours. The
 * new number, or a negative FD back. Any thread.
 */
int ut_ours_keep(int fd);

/* A number from which on descriptors of ours are put. */
int ut_ours_from(void);

bool ut_ours_has(int fd);

/* The lowest of ours that is not below FD, or -1. */
int ut_ours_next(unsigned fd);

/*
 * For a thread of the runtime's own, on itself: a descriptor table of its own, in which only ours
 * and ALSO (a descriptor, or -1) remain. What it opens from now on takes no number from the
 * program, and what the program closes is closed. 0; -ENOSYS where the kernel has no close_range(2)
 * (before Linux 5.9), or another error: then the table is still the program's.
 */
int ut_ours_separate(int also);

/* In a forked child: close them all. */
void ut_ours_close(void);

#endif
