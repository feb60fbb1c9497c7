/* SPDX-License-Identifier: MIT */
#include "sigmask.h"

#include "engine.h"

#include <criterion/criterion.h>

static const uint64_t all = ~UINT64_C(0);

Test(sigmask, nobody_takes_anything_at_first)
{
    cr_assert_eq(ut_sigmask_blocked_by_all(), all);
}

Test(sigmask, what_one_takes_is_not_blocked_by_all)
{
    ut_sigmask_add(0xff0f);
    ut_sigmask_add(0x0fff);
    ut_sigmask_add(0x0fff);
    cr_assert_eq(ut_sigmask_blocked_by_all(), 0x0f0f);
    ut_sigmask_remove(0x0fff);
    cr_assert_eq(ut_sigmask_blocked_by_all(), 0x0f0f, "another one has it still");
    ut_sigmask_remove(0x0fff);
    cr_assert_eq(ut_sigmask_blocked_by_all(), 0xff0f);
    ut_sigmask_remove(0xff0f);
    cr_assert_eq(ut_sigmask_blocked_by_all(), all);
}

Test(sigmask, a_forked_child_has_none)
{
    ut_sigmask_add(1);
    ut_sigmask_forked();
    cr_assert_eq(ut_sigmask_blocked_by_all(), all);
}

enum { THREADS = 4, ROUNDS = 3000 };

static _Atomic int arrived;

/* Comes, goes and comes again, all at the same time. */
static void *come_go_come(void *number)
{
    uint64_t mask = ~(UINT64_C(1) << (uintptr_t)number);
    atomic_fetch_add(&arrived, 1);
    until(atomic_load(&arrived) % THREADS == 0);
    for (int i = 0; i < 10; i++) {
        ut_sigmask_add(mask);
        ut_sigmask_remove(mask);
    }
    ut_sigmask_add(mask);
    return NULL;
}

/* No matter who sums up last: in the end all that have come are seen. */
Test(sigmask, threads_count_together, .timeout = 120)
{
    pthread_t threads[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        for (uintptr_t i = 0; i < THREADS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, come_go_come, (void *)i), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(ut_sigmask_blocked_by_all(), ~UINT64_C(0xf), "round %d", round);
        for (int i = 0; i < THREADS; i++)
            ut_sigmask_remove(~(UINT64_C(1) << i));
        cr_assert_eq(ut_sigmask_blocked_by_all(), all, "round %d", round);
    }
}

static void *nothing(void *unused)
{
    return unused;
}

Test(sigmask, coroutines_are_counted_while_they_live, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = engine_obtain(nothing, NULL);
    ut_coro_set_mask(coro, 0x1234);
    cr_assert_eq(ut_sigmask_blocked_by_all(), 0x1234);
    engine_release(coro);
    engine_join(coro);
    cr_assert_eq(ut_sigmask_blocked_by_all(), all);
}
