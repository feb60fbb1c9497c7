/* SPDX-License-Identifier: MIT */
/*
 * What the lock families share: mutexes for the condition variables, and a wait that a handler
 * does not disturb (in barrier.c). The families: mutex.c cond.c rwlock.c sem.c barrier.c once.c
 * spin.c c11sync.c.
 */
#ifndef UT_SYNC_H
#define UT_SYNC_H

#include "lot.h"
#include "real.h"

#include <pthread.h>

/* The lot's tag of those who all wait for the same thing. */
enum { UT_SYNC_ANY = 1 };

/* pthread_mutex_lock and _unlock for any thread. The lock outside critical sections. */
int ut_mutex_lock(pthread_mutex_t *mutex);
int ut_mutex_unlock(pthread_mutex_t *mutex);

/* Is MUTEX meant for several processes? Then who waits for it waits in the kernel. */
bool ut_mutex_is_shared(const pthread_mutex_t *mutex);

/* ABSTIME on CLOCK as a deadline that has at least begun: the kernel takes no negative ones. */
static inline int64_t ut_sync_deadline(clockid_t clock, const struct timespec *abstime)
{
    int64_t deadline = abstime ? ut_shim_deadline(clock, abstime) : UT_FOREVER;
    return deadline > 0 ? deadline : 1;
}

/* The clocks of the pthread_*_clock* functions. glibc: futex_abstimed_supported_clockid. */
static inline bool ut_sync_valid_clock(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/*
 * Wait, after ut_lot_enqueue, until woken or DEADLINE. Unlike ut_lot_wait it leaves the waiter in
 * its place in the queue while a handler runs: as natively, a wake-up that comes meanwhile is not
 * lost, and the wait goes on afterwards. UT_WAIT_INTERRUPTED, with the waiter dequeued, only if
 * CANCELLABLE and the caller, a coroutine, is cancelled; a native thread unwinds from in here.
 * For addresses that nobody requeues. Coroutines and native threads, in exactly one
 * critical section, which is open again on return and closed when unwinding.
 */
enum ut_wait_outcome ut_sync_wait(struct ut_lot_waiter *waiter, const char *why, int64_t deadline,
                                  bool cancellable);

#endif
