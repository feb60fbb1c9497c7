/* SPDX-License-Identifier: MIT */
#include "sigmask.h"

#include "carrier.h"
#include "clock.h"
#include "monitor.h"
#include "sched.h"
#include "stats.h"

#include <stdatomic.h>
#include <stddef.h>

#define MOST_WAIT (100 * UT_MILLISECOND) /* for kernel threads that need no more than a CPU */

enum { KINDS = 64 };

/*
 * By accepted signals, the complement of a mask; 0 marks a free entry and is never counted.
 * Keys are set once. When all are taken, the last entry counts for every other mask, and the
 * monitor then accepts all signals: the shim's handler looks for a taker anyway.
 */
static struct {
    _Atomic uint64_t accepted;
    _Atomic long count;
} kinds[KINDS];

static _Atomic uint64_t accepted_by_some;

static unsigned find(uint64_t accepted)
{
    for (unsigned i = 0; i < KINDS - 1; i++) {
        uint64_t key = atomic_load(&kinds[i].accepted);
        if (!key && atomic_compare_exchange_strong(&kinds[i].accepted, &key, accepted))
            return i;
        if (key == accepted)
            return i;
    }
    atomic_store(&kinds[KINDS - 1].accepted, ~UINT64_C(0));
    return KINDS - 1;
}

/* After a count has changed. Several may sum up at once: the last to store must have seen all. */
static void sum_up(void)
{
    static _Atomic uint32_t changes;
    uint32_t seen, now = atomic_fetch_add(&changes, 1) + 1;
    do {
        uint64_t sum = 0;
        seen = now;
        for (unsigned i = 0; i < KINDS; i++)
            if (atomic_load(&kinds[i].count) > 0)
                sum |= atomic_load(&kinds[i].accepted);
        uint64_t before = atomic_exchange(&accepted_by_some, sum);
        if (before != sum)
            ut_monitor_call();
        if (before & ~sum)
            ut_sched_shed_signals(before & ~sum);
    } while ((now = atomic_load(&changes)) != seen);
}

void ut_sigmask_add(uint64_t mask)
{
    if (~mask && atomic_fetch_add(&kinds[find(~mask)].count, 1) == 0)
        sum_up();
}

void ut_sigmask_remove(uint64_t mask)
{
    if (~mask && atomic_fetch_sub(&kinds[find(~mask)].count, 1) == 1)
        sum_up();
}

uint64_t ut_sigmask_blocked_by_all(void)
{
    return ~atomic_load(&accepted_by_some);
}

void ut_sigmask_await(uint64_t signals)
{
    for (int64_t end = 0; (ut_sigmask_blocked_by_all() & signals) == signals;) {
        if (!ut_monitor_admits(signals) && !ut_carrier_any_admits(signals))
            return;
        int64_t now = ut_clock_now();
        end = end ? end : now + MOST_WAIT;
        if (now >= end) {
            ut_count(signals_unsettled);
            return;
        }
        ut_syscall0(SYS_sched_yield);
    }
}

void ut_sigmask_forked(void)
{
    for (unsigned i = 0; i < KINDS; i++)
        atomic_store(&kinds[i].count, 0);
    atomic_store(&accepted_by_some, 0);
}
