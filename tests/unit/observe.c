/* SPDX-License-Identifier: MIT */
/* What the monitor can see of a thread. The observer here is a thread with a table of its own. */
#include "observe.h"

#include "config.h"
#include "engine.h"
#include "sys.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

static int ends[2];
static _Atomic int subject;
static _Atomic bool stop;

static void *read_pipe(void *unused)
{
    char byte;
    atomic_store(&subject, (int)ut_syscall0(SYS_gettid));
    must(read(ends[0], &byte, 1) == 1);
    return unused;
}

static void *compute(void *unused)
{
    atomic_store(&subject, (int)ut_syscall0(SYS_gettid));
    while (!atomic_load(&stop))
        ut_arch_relax();
    return unused;
}

static void *observe_reader(void *unused)
{
    struct ut_observation seen;
    must(ut_observe_start() == 0);
    until(atomic_load(&subject));
    do
        seen = ut_observe(atomic_load(&subject));
    while (seen.doing == UT_DOING_RUNS);
    must(seen.doing == UT_DOING_BLOCKED);
    must(seen.call == SYS_read);
    must(seen.where != 0);
    must(ut_observe(1 << 22).doing == UT_DOING_UNKNOWN); /* above every thread id */
    return unused;
}

static void *observe_computer(void *unused)
{
    must(ut_observe_start() == 0);
    until(atomic_load(&subject));
    for (int i = 0; i < 1000; i++)
        must(ut_observe(atomic_load(&subject)).doing == UT_DOING_RUNS);
    atomic_store(&stop, true);
    return unused;
}

static void *observe_in_vain(void *unused)
{
    must(ut_observe((int)ut_syscall0(SYS_gettid)).doing == UT_DOING_UNKNOWN);
    ut_config.observe = 1;
    must(ut_observe_start() < 0);
    must(ut_observe((int)ut_syscall0(SYS_gettid)).doing == UT_DOING_UNKNOWN);
    return unused;
}

static void run_both(void *(*watched)(void *), void *(*observer)(void *))
{
    pthread_t threads[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(pthread_create(&threads[0], NULL, watched, NULL), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, observer, NULL), 0);
    pthread_join(threads[1], NULL);
    cr_assert_eq(write(ends[1], "x", 1), 1, "the observer must not have closed anything here");
    pthread_join(threads[0], NULL);
}

Test(observe, a_blocked_thread_and_its_call, .timeout = 30)
{
    run_both(read_pipe, observe_reader);
}

Test(observe, a_thread_that_computes, .timeout = 30)
{
    run_both(compute, observe_computer);
}

Test(observe, nothing_where_it_is_off, .timeout = 30)
{
    run_both(read_pipe, observe_in_vain);
}
