/* SPDX-License-Identifier: MIT */
/* Threads that are to have a kernel thread of their own. */
#ifndef UT_NATIVE_H
#define UT_NATIVE_H

#include "shim.h"

/* Must a thread with these attributes be left native, or does the user want that of START? */
bool ut_native_from_birth(const pthread_attr_t *attributes, void *(*start)(void *));

/*
 * The program has named CORO: if the user wants threads of that name native it has a kernel thread of
 * its own from now on (ut_sched_bind). Not in a critical section; yields if CORO is the caller.
 */
void ut_native_named(struct ut_coro *coro);

/* CORO gets a kernel thread of its own, at once if it is the caller's. No critical section may be open. */
void ut_native_bind(struct ut_coro *coro);

#endif
