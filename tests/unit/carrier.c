/* SPDX-License-Identifier: MIT */
#include "carrier.h"

#include "config.h"
#include "engine.h"
#include "libc.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How many lanes */

Test(carrier, the_setting_decides)
{
    ut_config.carriers = 7;
    cr_assert_eq(ut_carrier_cpus(), 7);
}

Test(carrier, else_the_cpus_that_may_be_used)
{
    cpu_set_t usable, one;
    cr_assert_eq(sched_getaffinity(0, sizeof usable, &usable), 0);
    unsigned cpus = ut_carrier_cpus();
    cr_assert_geq(cpus, 1);
    cr_assert_leq(cpus, (unsigned)CPU_COUNT(&usable));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &usable))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(ut_carrier_cpus(), 1);
}

/* Idle carriers */

static void *hand_over(void *unused)
{
    ut_region_begin(ut_tls.coro, "test", true);
    ut_region_end(ut_tls.coro);
    return unused;
}

Test(carrier, idle_ones_are_used_again, .timeout = 30)
{
    engine_start(1);
    for (int i = 0; i < 500; i++)
        engine_run(hand_over, NULL);
    cr_assert_eq(atomic_load(&ut_stats.handoffs), 500);
    /* One runs; others may be on their way to being idle while the next is asked for. */
    cr_assert_leq(atomic_load(&ut_stats.carriers_made), 50);
}

static int gate[2];

static void *block(void *unused)
{
    char byte;
    ut_region_begin(ut_tls.coro, "read", true);
    must(read(gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    return unused;
}

Test(carrier, superfluous_ones_end, .timeout = 60)
{
    enum { MANY = 10 };
    struct ut_coro *coros[MANY];
    unsigned before = engine_kernel_threads();
    cr_assert_eq(pipe2(gate, O_CLOEXEC), 0);
    engine_start(1);
    for (int i = 0; i < MANY; i++)
        coros[i] = engine_launch(block, NULL);
    until(atomic_load(&ut_stats.carriers_made) == MANY + 1);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(write(gate[1], "x", 1), 1);
    for (int i = 0; i < MANY; i++)
        engine_join(coros[i]);
    while (atomic_load(&ut_stats.carriers_ended) < MANY)
        usleep(10000); /* not to burn a CPU meanwhile */
    until(engine_kernel_threads() == before + 3); /* the monitor, the maker, the lane's */
    cr_assert_eq(atomic_load(&ut_stats.carriers_ended), MANY);
    engine_run(hand_over, NULL);
}

/* When the kernel gives no more threads */

static _Atomic int refusals;

static int refuse_some(pthread_t *thread, const pthread_attr_t *attributes,
                       void *(*start)(void *), void *argument)
{
    if (atomic_load(&refusals) > 0) {
        atomic_fetch_sub(&refusals, 1);
        return EAGAIN;
    }
    return pthread_create(thread, attributes, start, argument);
}

enum { FOR_EVER = 1000000000 };

static void *nothing(void *unused)
{
    return unused;
}

static void *hand_over_to_nobody(void *unused)
{
    ut_region_begin(ut_tls.coro, "test", true);
    until(atomic_load(&refusals) < FOR_EVER);
    ut_region_end(ut_tls.coro);
    return unused;
}

/* There is one carrier, by FIRST, and never another one. */
static void make_do_with_the_old(void *(*first)(void *), __typeof__(ut_libc.pthread_create) refuse)
{
    engine_start(1);
    engine_run(first, NULL);
    struct ut_coro *coro = engine_obtain(hand_over_to_nobody, NULL);
    ut_libc.pthread_create = refuse;
    atomic_store(&refusals, FOR_EVER);
    engine_release(coro);
    engine_join(coro);
    cr_assert_eq(atomic_load(&ut_stats.carriers_made), 1);
}

Test(carrier, without_another_one_the_lane_waits_for_the_old, .timeout = 30)
{
    make_do_with_the_old(nothing, refuse_some);
}

/* Whether the kernel thread sleeps: the state in proc_pid_stat(5). */
static bool sleeps(int thread)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return strstr(text, ") S ");
}

static _Atomic int old_one;

static void *tell_carrier(void *unused)
{
    atomic_store(&old_one, gettid());
    return unused;
}

/* The region ends at the first refusal; it is over when the old carrier has nothing to do. */
static int refuse_meanwhile(pthread_t *thread, const pthread_attr_t *attributes,
                            void *(*start)(void *), void *argument)
{
    (void)thread, (void)attributes, (void)start, (void)argument;
    atomic_fetch_sub(&refusals, 1);
    until(sleeps(atomic_load(&old_one)));
    return EAGAIN;
}

/* It once was idle, and ended, while the maker had the lane and tried to make another one. */
Test(carrier, while_one_is_refused_the_old_one_takes_the_lane, .timeout = 30)
{
    make_do_with_the_old(tell_carrier, refuse_meanwhile);
}

Test(carrier, the_first_one_is_asked_for_again, .timeout = 20)
{
    engine_start(1);
    struct ut_coro *coro = engine_obtain(hand_over, NULL);
    ut_libc.pthread_create = refuse_some;
    atomic_store(&refusals, 300);
    engine_release(coro);
    engine_join(coro);
    cr_assert_eq(atomic_load(&refusals), 0);
}

/* Signal masks */

static uint64_t kernel_mask(void)
{
    uint64_t mask = 0;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof mask);
    return mask;
}

enum { MASKED = 50 };

static void *expect_own_mask(void *unused)
{
    for (int i = 0; i < 20; i++) {
        must(kernel_mask() == atomic_load(&ut_tls.coro->mask));
        engine_yield();
    }
    return unused;
}

Test(carrier, each_coroutine_runs_with_its_own_mask, .timeout = 30)
{
    struct ut_coro *coros[MASKED];
    engine_start(2);
    uint64_t before = kernel_mask();
    for (int i = 0; i < MASKED; i++) {
        coros[i] = engine_obtain(expect_own_mask, NULL);
        /* SIGUSR1, SIGUSR2 and some real-time ones; SIGKILL and SIGSTOP cannot be blocked. */
        ut_coro_set_mask(coros[i],
                         (uint64_t)(i % 4) << (SIGUSR1 - 1) | (uint64_t)i << 40);
        engine_release(coros[i]);
    }
    for (int i = 0; i < MASKED; i++)
        engine_join(coros[i]);
    cr_assert_eq(kernel_mask(), before);
}

static _Atomic uint64_t seen_mask;

static void *tell_mask(void *unused)
{
    atomic_store(&seen_mask, kernel_mask());
    return unused;
}

/* Not glibc's own two signals (32, 33), which setuid and others need on all threads; faults may be sent, too. */
Test(carrier, threads_of_the_runtime_block_the_programs_signals, .timeout = 30)
{
    static const int blocked[] = {SIGHUP,  SIGINT,  SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
                                  SIGCHLD, SIGPIPE, SIGWINCH, SIGPROF, 34,      64,
                                  SIGSEGV, SIGBUS, SIGFPE,   SIGILL,  SIGTRAP, SIGSYS};
    static const int open[] = {32, 33};
    ut_libc.pthread_create = pthread_create;
    uint64_t before = kernel_mask();
    cr_assert_eq(ut_carrier_start_thread(tell_mask, NULL), 0);
    cr_assert_eq(kernel_mask(), before);
    until(atomic_load(&seen_mask));
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
        cr_assert(atomic_load(&seen_mask) >> (blocked[i] - 1) & 1, "signal %d", blocked[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        cr_assert_not(atomic_load(&seen_mask) >> (open[i] - 1) & 1, "signal %d", open[i]);
}

/* setuid and the like make a system call on every thread of the process, by a signal of glibc's. */

static _Atomic bool stop;

static void *compute_until_stopped(void *unused)
{
    while (!atomic_load(&stop))
        ut_arch_relax();
    return unused;
}

static void *yield_until_stopped(void *unused)
{
    while (!atomic_load(&stop))
        engine_yield();
    return unused;
}

static void change_credentials_during(void *(*routine)(void *))
{
    engine_start(2);
    cr_assert_eq(setgid(getgid()), 0);
    for (int i = 0; i < 5; i++)
        engine_run(hand_over, NULL); /* so that some are idle */
    cr_assert_eq(setgid(getgid()), 0);
    struct ut_coro *coro = engine_launch(routine, NULL);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(setgid(getgid()), 0);
    atomic_store(&stop, true);
    engine_join(coro);
}

Test(carrier, credentials_change_on_threads_that_switch, .timeout = 20)
{
    change_credentials_during(yield_until_stopped);
}

Test(carrier, credentials_change_on_threads_that_compute, .timeout = 20)
{
    change_credentials_during(compute_until_stopped);
}

static void *change_credentials(void *unused)
{
    must(setgid(getgid()) == 0);
    return unused;
}

Test(carrier, coroutines_change_credentials_on_all_threads, .timeout = 20)
{
    engine_start(2);
    for (int i = 0; i < 5; i++) {
        engine_run(hand_over, NULL);
        engine_run(change_credentials, NULL);
    }
}

Test(carrier, an_error_of_thread_creation_is_handed_on)
{
    ut_libc.pthread_create = refuse_some;
    atomic_store(&refusals, 1);
    cr_assert_eq(ut_carrier_start_thread(tell_mask, NULL), -EAGAIN);
}
