/* SPDX-License-Identifier: MIT */
/*
 * What a kernel thread of ours is doing, as the kernel tells it in /proc. Only the monitor may
 * ask: it has a descriptor table of its own, so that a look takes no number from the program.
 */
#ifndef UT_OBSERVE_H
#define UT_OBSERVE_H

#include <stdint.h>

enum ut_doing {
    UT_DOING_UNKNOWN, /* it cannot be found out */
    UT_DOING_RUNS,    /* computes, or waits for a CPU */
    UT_DOING_BLOCKED, /* in the kernel, until something happens */
};

enum { UT_CALL_NONE = -1 }; /* blocked, but not in a system call: a page fault */

struct ut_observation {
    enum ut_doing doing;
    long call;       /* if blocked: the system call's number, or UT_CALL_NONE */
    uintptr_t where; /* if blocked: the program counter */
};

/* On the monitor, once, before it looks. 0, or -errno: every look is UT_DOING_UNKNOWN then. */
int ut_observe_start(void);

/* Look at the kernel thread THREAD_ID of this process: some 5 µs. Monitor only. */
struct ut_observation ut_observe(int thread_id);

/* In a forked child. */
void ut_observe_forked(void);

#endif
