/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "log.h"

#include <stdio.h>

enum { PINNED_KINDS = 64, LINE = 160 };

struct ut_stats ut_stats;

/* Calls that lost their lane, by the address of their constant name. Entries are only added. */
static struct {
    _Atomic(const char *) symbol;
    _Atomic unsigned long count;
} pinned[PINNED_KINDS];

void ut_stats_pinned(const char *symbol)
{
    for (unsigned i = 0; i < PINNED_KINDS; i++) {
        const char *here = atomic_load_explicit(&pinned[i].symbol, memory_order_relaxed);
        if (!here && atomic_compare_exchange_strong(&pinned[i].symbol, &here, symbol))
            here = symbol;
        if (here == symbol) {
            atomic_fetch_add_explicit(&pinned[i].count, 1, memory_order_relaxed);
            return;
        }
    }
}

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
    for (unsigned i = 0; i < PINNED_KINDS; i++) {
        const char *symbol = atomic_load_explicit(&pinned[i].symbol, memory_order_relaxed);
        unsigned long count = atomic_load_explicit(&pinned[i].count, memory_order_relaxed);
        char text[LINE];
        if (!symbol)
            break;
        snprintf(text, sizeof text, "of these handed over in %s", symbol);
        print(text, count);
    }
}
