/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "engine.h"

#include <criterion/criterion.h>

enum { THREADS = 4, ROUNDS = 200000 };

static struct ut_lock lock;
static unsigned long counter; /* guarded by the lock, not atomic on purpose */

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        ut_lock_acquire(&lock);
        counter++;
        ut_lock_release(&lock);
    }
    return NULL;
}

Test(lock, free_again_after_release)
{
    ut_lock_acquire(&lock);
    cr_assert_eq(atomic_load(&lock.word), 1);
    ut_lock_release(&lock);
    cr_assert_eq(atomic_load(&lock.word), 0);
}

Test(lock, excludes, .timeout = 60)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(counter, (unsigned long)THREADS * ROUNDS);
    cr_assert_eq(atomic_load(&lock.word), 0);
}

static _Atomic bool entered;

static void *enter(void *unused)
{
    (void)unused;
    ut_lock_acquire(&lock);
    atomic_store(&entered, true);
    ut_lock_release(&lock);
    return NULL;
}

/* The waiters give up spinning and announce that they sleep; each release wakes one. */
Test(lock, wakes_those_that_sleep, .timeout = 30)
{
    pthread_t threads[THREADS];
    ut_lock_acquire(&lock);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, enter, NULL), 0);
    until(atomic_load(&lock.word) == 2);
    cr_assert_not(atomic_load(&entered));
    ut_lock_release(&lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert(atomic_load(&entered));
    ut_lock_acquire(&lock);
    ut_lock_release(&lock);
    cr_assert_eq(atomic_load(&lock.word), 0);
}
