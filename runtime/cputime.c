/* SPDX-License-Identifier: MIT */
#include "cputime.h"

#include "carrier.h"
#include "clock.h"
#include "coro.h"
#include "critical.h"
#include "sys.h"

#include <stdatomic.h>
#include <time.h>

enum { NOT_RUNNING = -1, STOPPING = -2 }; /* of cpu_since */

_Atomic bool ut_cputime_counting;

/* Of the calling kernel thread. */
static int64_t own_clock(void)
{
    struct timespec time = {0};
    ut_syscall2(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * UT_SECOND + time.tv_nsec;
}

void ut_cputime_enter(struct ut_coro *coro)
{
    atomic_store(&coro->cpu_since, own_clock());
}

/* While cpu_used changes, others who read (of_other) see that: else the clock might go backwards. */
void ut_cputime_leave(struct ut_coro *coro)
{
    int64_t since = atomic_load(&coro->cpu_since);
    if (since == NOT_RUNNING)
        return;
    atomic_store(&coro->cpu_since, STOPPING); /* first: whoever saw it running has read an earlier time */
    atomic_fetch_add(&coro->cpu_used, own_clock() - since);
    atomic_store(&coro->cpu_since, NOT_RUNNING);
}

static int64_t of_caller(struct ut_coro *self)
{
    ut_critical_begin(); /* stays on this kernel thread */
    if (atomic_load(&self->cpu_since) == NOT_RUNNING)
        ut_cputime_enter(self);
    int64_t used = atomic_load(&self->cpu_used) + own_clock() - atomic_load(&self->cpu_since);
    ut_critical_end();
    return used;
}

/* Looks again if CORO began or ended to run meanwhile: only then do the three belong together. */
static int64_t of_other(struct ut_coro *coro)
{
    for (;;) {
        int64_t since = atomic_load(&coro->cpu_since), used = atomic_load(&coro->cpu_used), now = 0;
        bool runs = since != NOT_RUNNING;
        if (since == STOPPING) {
            ut_arch_relax();
            continue;
        }
        if (runs)
            now = ut_carrier_cpu_time(atomic_load(&coro->carrier));
        if (since == atomic_load(&coro->cpu_since) && used == atomic_load(&coro->cpu_used))
            return runs ? used + now - since : used;
    }
}

int64_t ut_cputime_of(struct ut_coro *coro)
{
    atomic_store_explicit(&ut_cputime_counting, true, memory_order_relaxed);
    return coro == ut_tls.coro ? of_caller(coro) : of_other(coro);
}
