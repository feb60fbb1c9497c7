/* SPDX-License-Identifier: MIT */
#include "sigmask.h"

#include "carrier.h"
#include "engine.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* ut_sigmask_await */

static const uint64_t usr1 = UINT64_C(1) << (SIGUSR1 - 1);
static _Atomic bool pretends, stop;

static bool task_blocks(const char *task)
{
    char path[300], line[256];
    unsigned long long mask = ~0ULL; /* of one that has ended meanwhile */
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "SigBlk: %llx", &mask) == 1)
            break;
    if (status)
        fclose(status);
    return mask & usr1;
}

/* As the kernel has it, of all threads but the calling one, which is no carrier. */
static bool all_others_block(void)
{
    bool good = true;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        if (task->d_name[0] != '.' && atoi(task->d_name) != gettid())
            good &= task_blocks(task->d_name);
    closedir(tasks);
    return good;
}

static void *take_for_a_moment(void *unused)
{
    ut_coro_set_mask(ut_tls.coro, all & ~usr1);
    engine_yield(); /* comes back with that mask in force */
    must(!(atomic_load(&atomic_load(&ut_tls.coro->carrier)->mask) & usr1));
    return unused;
}

Test(sigmask, all_kernel_threads_block_what_was_waited_for, .timeout = 60)
{
    engine_start(2);
    for (int round = 0; round < 300; round++) {
        engine_run(take_for_a_moment, NULL);
        until(ut_sigmask_blocked_by_all() & usr1); /* joined a moment before it is gone */
        ut_sigmask_await(usr1);
        cr_assert(all_others_block(), "round %d", round);
    }
    cr_assert_eq(atomic_load(&ut_stats.signals_unsettled), 0);
}

/* Its carrier says that it lets the signal in, though no coroutine does, and stays so. */
static void *pretend(void *unused)
{
    struct ut_carrier *carrier = atomic_load(&ut_tls.coro->carrier);
    ut_coro_set_mask(ut_tls.coro, all);
    uint64_t before = atomic_exchange(&carrier->mask, 0);
    atomic_store(&pretends, true);
    until(atomic_load(&stop));
    atomic_store(&carrier->mask, before);
    return unused;
}

Test(sigmask, the_wait_has_an_end, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *pretender = engine_launch(pretend, NULL);
    until(atomic_load(&pretends));
    cr_assert(ut_carrier_any_admits(usr1));
    ut_sigmask_await(usr1);
    cr_assert_eq(atomic_load(&ut_stats.signals_unsettled), 1);
    atomic_store(&stop, true);
    engine_join(pretender);
}
