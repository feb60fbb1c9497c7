/* SPDX-License-Identifier: MIT */
/*
 * What the runtime needs from libc under names that the shim interposes, and what it needs to
 * know about libc's insides. Filled by the shim's resolver (or by a unit test) before the start.
 */
#ifndef UT_LIBC_H
#define UT_LIBC_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct ut_libc {
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    /*
     * Field descriptors for debuggers, {bits, elements, offset}, from every glibc's
     * _thread_db_pthread_*; NULL if this libc has none.
     */
    const uint32_t *tid_field;
    const uint32_t *cancel_field;
    const ptrdiff_t *rseq_offset; /* glibc 2.35; NULL before */
};

extern struct ut_libc ut_libc;

#endif
