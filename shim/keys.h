/* SPDX-License-Identifier: MIT */
#ifndef UT_KEYS_H
#define UT_KEYS_H

/* Run the destructors of the calling coroutine's thread-specific data, as POSIX has it. */
void ut_keys_destroy(void);

/* Forget the values that are left: a recycled thread must not find them. */
void ut_keys_drop(void);

#endif
