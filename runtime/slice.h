/* SPDX-License-Identifier: MIT */
/*
 * Time slices. The kernel shares the CPUs out by kernel threads, and among those that may run it
 * prefers the one with the earliest deadline, which is the end of its slice (EEVDF). A carrier of a
 * lane stands for many threads, most of which natively would wake with a claim to run soon; so it
 * asks for a short slice, which takes nothing from the others' share. Linux 6.12; before that the
 * wish has no effect. No privilege is needed.
 */
#ifndef UT_SLICE_H
#define UT_SLICE_H

#include <stdbool.h>

/* Give the kernel thread THREAD_ID (0: the caller) a short slice, or its usual one. Any context. */
void ut_slice_set(int thread_id, bool brief);

#endif
