/* SPDX-License-Identifier: MIT */
#ifndef UT_UNWINDER_H
#define UT_UNWINDER_H

#include <stdbool.h>

/*
 * Load libgcc_s if that has not been done. False if it cannot be. Before the first coroutine: it takes
 * the dynamic linker's lock.
 */
bool ut_unwinder_load(void);

#endif
