/* SPDX-License-Identifier: MIT */
/* Look-ups: see names.c. */
#ifndef UT_NAMES_H
#define UT_NAMES_H

#include <stdbool.h>

/* Is the calling coroutine in a look-up, whose waits in libc's poll park though it is a region? */
bool ut_names_park(void);

/* What glibc does with the resolver's state of a thread that ends: on that coroutine. */
void ut_names_thread_ended(void);

/* In a forked child: nobody looks anything up. */
void ut_names_forked(void);

#endif
