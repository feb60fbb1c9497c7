/* SPDX-License-Identifier: MIT */
#ifndef UT_AFFINITY_H
#define UT_AFFINITY_H

#include "shim.h"

/*
 * CORO, which has not been launched, gets the CPUs that ATTRIBUTES name (NULL: none), or else those
 * of the thread that makes it. With fewer than all it has a kernel thread of its own.
 */
void ut_affinity_inherit(struct ut_coro *coro, const pthread_attr_t *attributes);

#endif
