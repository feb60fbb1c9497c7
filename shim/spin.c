/* SPDX-License-Identifier: MIT */
/*
 * pthread_spin_lock(3p). glibc: nptl/pthread_spin_lock.c. Needs no lane, but gives up its own.
 *
 * The holder may be a coroutine that waits for the lane on which we spin; so between bursts of
 * tries a coroutine lets the others run. Native threads spin, the kernel sees to their holder.
 * Trying and unlocking are glibc's.
 */
#include "sync.h"

enum { TRIES = 200 }; /* a few µs, the time of a switch to another coroutine and back */

UT_EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(pthread_spin_lock)(lock);
    for (;;) {
        for (int i = 0; i < TRIES; i++) {
            if (pthread_spin_trylock(lock) == 0)
                return 0;
            ut_arch_relax();
        }
        ut_critical_begin();
        ut_sched_yield(self);
        ut_critical_end();
    }
}
