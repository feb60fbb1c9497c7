/* SPDX-License-Identifier: MIT */
/*
 * A short lock for the runtime's own structures: spins briefly, then sleeps in the kernel.
 *
 * Holders never park, never call out, never allocate, and have the program's signal handlers
 * deferred (ut_critical_begin), so a lock is held for a handful of instructions unless the kernel
 * takes the CPU away; therefore the sleep. Order of locks: see README.md.
 */
#ifndef UT_LOCK_H
#define UT_LOCK_H

#include "shake.h"
#include "sys.h"

#include <stdatomic.h>

struct ut_lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody may sleep */
};

void ut_lock_slow(struct ut_lock *lock);

static inline void ut_lock_acquire(struct ut_lock *lock)
{
    uint32_t free = 0;
    ut_shake();
    if (!atomic_compare_exchange_strong_explicit(&lock->word, &free, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        ut_lock_slow(lock);
    ut_shake();
}

static inline void ut_lock_release(struct ut_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
        ut_sys_futex_wake(&lock->word, 1);
    ut_shake();
}

#endif
