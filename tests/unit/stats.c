/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "engine.h"
#include "log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char account[65536];

static void print_account(void)
{
    int ends[2], saved = dup(STDERR_FILENO);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ut_stats_print();
    dup2(saved, STDERR_FILENO);
    ssize_t length = read(ends[0], account, sizeof account - 1);
    account[length > 0 ? length : 0] = '\0';
}

/* The number before TEXT in its line, or -1. */
static long value_of(const char *text)
{
    for (const char *line = account; line && *line; line = strchr(line, '\n')) {
        unsigned long value;
        char name[200];
        line += *line == '\n';
        if (sscanf(line, "%lu %199[^\n]", &value, name) == 2 && strcmp(name, text) == 0)
            return (long)value;
    }
    return -1;
}

Test(stats, every_counter_is_printed)
{
    unsigned long expected = 0;
#define COUNTER(name, text) atomic_store(&ut_stats.name, ++expected * 1000);
#include "stats.def"
#undef COUNTER
    print_account();
    expected = 0;
#define COUNTER(name, text) cr_expect_eq(value_of(text), (long)(++expected * 1000), "%s", text);
#include "stats.def"
#undef COUNTER
}

Test(stats, counting_counts)
{
    cr_assert_eq(atomic_load(&ut_stats.hogs), 0);
    ut_count(hogs);
    ut_count(hogs);
    cr_assert_eq(atomic_load(&ut_stats.hogs), 2);
}

static void *count_many(void *unused)
{
    for (int i = 0; i < 100000; i++)
        ut_count(regions);
    return unused;
}

Test(stats, threads_count_together, .timeout = 30)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(atomic_load(&ut_stats.regions), 400000);
}
