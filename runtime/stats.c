/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "account.h"
#include "log.h"

#include <stdio.h>

enum { LINE = 160 };

struct ut_stats ut_stats;

static void print(const char *text, unsigned long value)
{
    char line[LINE];
    int length = snprintf(line, sizeof line, "%12lu  %s\n", value, text);
    ut_log_bytes(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

void ut_stats_print(void)
{
#define COUNTER(name, text) print(text, atomic_load_explicit(&ut_stats.name, memory_order_relaxed));
#include "stats.def"
#undef COUNTER
    ut_account_print();
}
