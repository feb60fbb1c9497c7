/* SPDX-License-Identifier: MIT */
#include "account.h"

#include "clock.h"
#include "config.h"
#include "engine.h"
#include "monitor.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
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

static void keep(void)
{
    ut_config.stats = 1;
}

TestSuite(account, .init = keep);

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
    struct row others = row_of("others"); /* the 44 that were least when another one came */
    cr_assert_eq(others.count, 44);
    cr_assert_float_eq(others.total, 44 * 45 / 2, 100);
    cr_assert_eq(row_of("system call 1299, undeclared").count, 1);
    cr_assert_eq(row_of("system call 1291, undeclared").count, 1);
    cr_assert_eq(row_of("system call 1290, undeclared").count, 0);
    cr_assert(strstr(text, "the worst of 257"));
}

/* Locks and lives */

static char lock[3];

static void wait_for(struct ut_coro *coro, const char *what, const void *one, int64_t span)
{
    struct ut_episode wait = {.what = what, .lock = one, .since = ut_clock_now() - span};
    ut_account_waited(coro, &wait);
}

/* As the account names it: it is in this program, and has no symbol there. */
static void name_lock(int which, const char *what, char *name, size_t size)
{
    Dl_info info;
    cr_assert(dladdr(lock, &info));
    snprintf(name, size, "%s of %s+%#tx", what, basename(info.dli_fname),
             &lock[which] - (char *)info.dli_fbase);
}

Test(account, waits_are_summed_up_by_lock_and_call)
{
    static struct ut_coro one = {.name = "one"}, two = {.name = "two"};
    char name[64];
    two.start = (void *(*)(void *))print_account; /* makes no difference here */
    wait_for(&one, first, &lock[0], 10 * UT_MILLISECOND);
    wait_for(&two, first, &lock[0], 300 * UT_MILLISECOND);
    wait_for(&one, first, &lock[1], 20 * UT_MILLISECOND);
    wait_for(&one, second, &lock[1], 40 * UT_MILLISECOND);
    print_account();
    name_lock(0, "fsync", name, sizeof name);
    struct row row = row_of(name);
    cr_assert_eq(row.count, 2, "%s", text);
    cr_assert_float_eq(row.total, 310, 100);
    cr_assert_float_eq(row.longest, 300, 100);
    cr_assert(strstr(strstr(text, name), "thread \"two\""), "whose wait was the longest");
    name_lock(1, "flock", name, sizeof name);
    cr_assert_eq(row_of(name).count, 1);
    cr_assert(strstr(text, "waited for: the worst of 3"));
    cr_assert(strstr(text, "held a kernel thread: the worst of 0"));
}

Test(account, none_is_kept_that_nobody_will_see)
{
    static struct ut_coro coro;
    ut_config.stats = 0;
    cr_assert_not(ut_account_is_kept());
    close_one(&coro, (struct ut_episode){.what = first}, UT_MILLISECOND);
    ut_account_begin_life(&coro);
    ut_account_end_life(&coro);
    print_account();
    cr_assert_eq(row_of("fsync").count, 0);
    cr_assert(strstr(text, "there were: the worst of 0"));
}

/* From the scheduler and the monitor: what is entered, by whom, and what is still going on. */

static int gate[2];
static _Atomic bool stop;

static void start_with_gate(void)
{
    keep();
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

Test(account, lives_are_counted_as_soon_as_they_begin, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(block_in_region, "slow");
    for (int i = 0; i < 3; i++)
        engine_run(stop_it, NULL);
    for (int i = 0; i < 2; i++) {
        unsigned long one = 0, other = 0;
        print_account();
        char *title = strstr(text, "there were: the worst of 2\n");
        cr_assert(title, "%s", text);
        sscanf(title, "%*[^\n]%lu%*[^\n]%lu", &one, &other);
        cr_assert(one * other == 3 && one + other == 4, "%s", text);
        if (i == 0)
            open_gate_and_join(coro);
    }
}

Test(account, computing_is_entered, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *hog = engine_launch(compute, NULL);
    engine_run(stop_it, NULL);
    engine_join(hog);
    print_account();
    cr_assert_geq(row_of("computing").count, 1);
}
