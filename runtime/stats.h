/* SPDX-License-Identifier: MIT */
/* The account: what the runtime did that a program's owner may want to know. */
#ifndef UT_STATS_H
#define UT_STATS_H

#include <stdatomic.h>

struct ut_stats {
#define COUNTER(name, text) _Atomic unsigned long name;
#include "stats.def"
#undef COUNTER
};

extern struct ut_stats ut_stats;

#define ut_count(name) atomic_fetch_add_explicit(&ut_stats.name, 1, memory_order_relaxed)

/* Write the counters, and then the account of account.h, to the log. Any native context. */
void ut_stats_print(void);

#endif
