/* SPDX-License-Identifier: MIT */
#include "account.h"

#include "clock.h"
#include "config.h"
#include "engine.h"
#include "monitor.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[65536];

static void print_account(void)
{
    int ends[2], saved = dup(STDERR_FILENO);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ut_account_print();
    dup2(saved, STDERR_FILENO);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
}

struct row {
    unsigned long count;
    double total, longest;
};

/* The row of WHAT, or one with a count of 0. */
static struct row row_of(const char *what)
{
    for (char *line = text; line && *line; line = strchr(line, '\n')) {
        struct row row;
        char name[100];
        line += *line == '\n';
        if (sscanf(line, "%lu %lf %lf %99[^\n]", &row.count, &row.total, &row.longest, name) == 4 &&
            strcmp(name, what) == 0)
            return row;
    }
    return (struct row){0};
}

static const char first[] = "fsync", second[] = "flock";

static void close_one(struct ut_coro *coro, struct ut_episode why, int64_t span)
{
    why.since = ut_clock_now() - span;
    ut_account_close(coro, &why);
    cr_assert_eq(why.since, 0);
}

Test(account, episodes_are_summed_up_by_what_and_who)
{
    static struct ut_coro one = {.name = "one"}, two = {.name = "two"};
    two.start = (void *(*)(void *))print_account;
    for (int i = 0; i < 3; i++)
        close_one(&one, (struct ut_episode){.what = first}, 10 * UT_MILLISECOND);
    close_one(&one, (struct ut_episode){.what = first}, 500 * UT_MILLISECOND);
    close_one(&two, (struct ut_episode){.what = second}, 20 * UT_MILLISECOND);
    close_one(&two, (struct ut_episode){.call = 0}, UT_MILLISECOND);
    print_account();
    struct row row = row_of("fsync");
    cr_assert_eq(row.count, 4);
    cr_assert_float_eq(row.total, 530, 100);
    cr_assert_float_eq(row.longest, 500, 100);
    cr_assert_eq(row_of("flock").count, 1);
    cr_assert_eq(row_of("system call read, undeclared").count, 1);
    cr_assert(strstr(text, "thread \"one\""));
    cr_assert_lt(strstr(text, "fsync"), strstr(text, "flock"), "the worst comes first");
}

Test(account, the_ten_worst_are_shown_and_no_more)
{
    static struct ut_coro coro;
    for (long i = 0; i < 300; i++) /* more than there are rows for */
        close_one(&coro, (struct ut_episode){.call = 1000 + i}, (i + 1) * UT_MILLISECOND);
    print_account();
    cr_assert_eq(row_of("system call 1255, undeclared").count, 1);
    cr_assert_eq(row_of("system call 1248, undeclared").count, 1);
    cr_assert_eq(row_of("system call 1246, undeclared").count, 0);
    cr_assert_eq(row_of("others").count, 44);
    cr_assert(strstr(text, "the worst of 257"));
}

/* From the scheduler and the monitor: what is entered, by whom, and what is still going on. */

static int gate[2];
static _Atomic bool stop;

static void start_with_gate(void)
{
    engine_start(1);
    cr_assert_eq(pipe2(gate, O_CLOEXEC), 0);
}

static void *block_in_region(void *slow)
{
    char byte;
    ut_region_begin(ut_tls.coro, "testing", slow != NULL);
    must(read(gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    return NULL;
}

static void *block_unannounced(void *unused)
{
    char byte;
    must(read(gate[0], &byte, 1) == 1);
    return unused;
}

static void *compute(void *unused)
{
    while (!atomic_load(&stop))
        ut_arch_relax();
    return unused;
}

static void *stop_it(void *unused)
{
    atomic_store(&stop, true);
    return unused;
}

static void open_gate_and_join(struct ut_coro *coro)
{
    cr_assert_eq(write(gate[1], "x", 1), 1);
    engine_join(coro);
}

Test(account, a_slow_region_is_entered, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(block_in_region, "slow");
    engine_run(stop_it, NULL); /* has run: so the lane was handed over */
    print_account();
    cr_assert(strstr(text, "still"), "%s", text);
    cr_assert_eq(row_of("testing").count, 0);
    open_gate_and_join(coro);
    print_account();
    cr_assert_eq(row_of("testing").count, 1);
    cr_assert_not(strstr(text, "still"));
}

Test(account, a_region_that_the_monitor_ended_is_entered, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(block_in_region, NULL);
    engine_run(stop_it, NULL);
    open_gate_and_join(coro);
    print_account();
    cr_assert_eq(row_of("testing").count, 1);
}

Test(account, an_undeclared_call_is_named, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(block_unannounced, NULL);
    engine_run(stop_it, NULL);
    print_account();
    cr_assert(strstr(text, "system call read, undeclared"), "%s", text);
    open_gate_and_join(coro);
    print_account();
    cr_assert_eq(row_of("system call read, undeclared").count, 1);
    cr_assert_geq(atomic_load(&ut_stats.handed_undeclared), 1);
    cr_assert_eq(atomic_load(&ut_stats.hogs), 0);
}

Test(account, computing_is_entered, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *hog = engine_launch(compute, NULL);
    engine_run(stop_it, NULL);
    engine_join(hog);
    print_account();
    cr_assert_geq(row_of("computing").count, 1);
}
