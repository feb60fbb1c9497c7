/* SPDX-License-Identifier: MIT */
#include "cputime.h"

#include "carrier.h"
#include "clock.h"
#include "coro.h"
#include "critical.h"
#include "sys.h"

#include <stdatomic.h>
#include <time.h>

enum { NOT_RUNNING = -1, ATTEMPTS = 100 };

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

void ut_cputime_leave(struct ut_coro *coro)
{
    int64_t since = atomic_load(&coro->cpu_since);
    if (since == NOT_RUNNING)
        return;
    atomic_store(&coro->cpu_since, NOT_RUNNING);
    atomic_fetch_add(&coro->cpu_used, own_clock() - since);
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

int64_t ut_cputime_of(struct ut_coro *coro)
{
    atomic_store_explicit(&ut_cputime_counting, true, memory_order_relaxed);
    if (coro == ut_tls.coro)
        return of_caller(coro);
    int64_t used = 0;
    for (int i = 0; i < ATTEMPTS; i++) { /* it may be just beginning or ending to run */
        int64_t since = atomic_load(&coro->cpu_since);
        struct ut_carrier *carrier = atomic_load(&coro->carrier);
        used = atomic_load(&coro->cpu_used);
        if (since == NOT_RUNNING)
            break;
        int64_t now = ut_carrier_cpu_time(carrier);
        if (since == atomic_load(&coro->cpu_since) && carrier == atomic_load(&coro->carrier)) {
            used += now > since ? now - since : 0;
            break;
        }
    }
    return used;
}
