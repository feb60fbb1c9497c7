/* SPDX-License-Identifier: MIT */
#include "lock.h"

enum { SPINS = 100 }; /* about 5 µs: longer than any critical section that has its CPU */

void ut_lock_slow(struct ut_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t free = 0;
        if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_weak_explicit(&lock->word, &free, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        ut_arch_relax();
    }
    /* 2 says that a sleeper may exist; whoever gets the lock this way keeps saying so. */
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
        ut_sys_futex_wait(&lock->word, 2, INT64_MAX);
}
