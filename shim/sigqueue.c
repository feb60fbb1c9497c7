/* SPDX-License-Identifier: MIT */
#include "sigqueue.h"

#include "critical.h"
#include "lock.h"
#include "shake.h"
#include "signals.h"
#include "sys.h"

#include <sys/resource.h>

enum { CHUNK = 64 << 10, FIRST_REAL_TIME = 32 };

struct ut_queued {
    struct ut_queued *next;
    siginfo_t info;
    bool shared; /* the process's, which a carrier passed on */
};

/* Free records. They may be needed in a handler, so they come from the kernel, and stay. */
static struct {
    struct ut_lock lock;
    struct ut_queued *free;
    long used;
} pool;

/* The caller holds the pool's lock. False: no memory. */
static bool fill_pool(void)
{
    struct ut_queued *records = ut_sys_map(CHUNK);
    if (!records)
        return false;
    for (size_t i = 0; i < CHUNK / sizeof *records; i++) {
        records[i].next = pool.free;
        pool.free = &records[i];
    }
    return true;
}

static struct ut_queued *obtain(void)
{
    ut_lock_acquire(&pool.lock);
    struct ut_queued *record = pool.free || fill_pool() ? pool.free : NULL;
    if (record) {
        pool.free = record->next;
        pool.used++;
    }
    ut_lock_release(&pool.lock);
    return record;
}

static void give_back(struct ut_queued *record)
{
    ut_lock_acquire(&pool.lock);
    record->next = pool.free;
    pool.free = record;
    pool.used--;
    ut_lock_release(&pool.lock);
}

bool ut_sigqueue_full(void)
{
    struct rlimit limit;
    ut_syscall4(SYS_prlimit64, 0, RLIMIT_SIGPENDING, NULL, &limit);
    return (rlim_t)__atomic_load_n(&pool.used, __ATOMIC_RELAXED) >= limit.rlim_cur;
}

/* Append RECORD, unless one like it is there. The caller holds the lock. True if it is in use now. */
static bool append(struct ut_coro *coro, struct ut_queued *record)
{
    struct ut_queued **end;
    for (end = &coro->queued; *end; end = &(*end)->next)
        if (record->info.si_signo < FIRST_REAL_TIME && record->shared == (*end)->shared &&
            record->info.si_signo == (*end)->info.si_signo)
            return false;
    *end = record;
    return true;
}

bool ut_sigqueue_add(struct ut_coro *coro, const siginfo_t *info, bool shared)
{
    uint64_t bit = ut_signal_bit(info->si_signo);
    struct ut_queued *record = obtain();
    if (record)
        *record = (struct ut_queued){.info = *info, .shared = shared};
    ut_lock_acquire(&coro->lock);
    /* First: CORO changes its mask, and looks at what is pending next. Without a record, too: as kernels do. */
    uint64_t before = atomic_fetch_or(&coro->pending, bit);
    ut_shake();
    bool refused = shared && (atomic_load(&coro->mask) & bit), used = false;
    if (!refused)
        used = record && append(coro, record);
    else if (!(before & bit))
        atomic_fetch_and(&coro->pending, ~bit);
    ut_lock_release(&coro->lock);
    if (record && !used)
        give_back(record);
    return !refused;
}

/* Take the oldest record of SIGNAL, if any. *MORE: there is another. The caller holds the lock. */
static struct ut_queued *unlink_first(struct ut_coro *coro, int signal, bool *more)
{
    struct ut_queued *found = NULL;
    *more = false;
    for (struct ut_queued **link = &coro->queued; *link;) {
        if ((*link)->info.si_signo != signal) {
            link = &(*link)->next;
        } else if (found) {
            *more = true;
            break;
        } else {
            found = *link;
            *link = found->next;
        }
    }
    return found;
}

/* Those that a thread causes itself come before all others, as in the kernel. */
static int first_of(uint64_t ready)
{
    uint64_t own = ut_signal_bit(SIGSEGV) | ut_signal_bit(SIGBUS) | ut_signal_bit(SIGILL) |
                   ut_signal_bit(SIGTRAP) | ut_signal_bit(SIGFPE) | ut_signal_bit(SIGSYS);
    if (!ready)
        return 0;
    return __builtin_ctzll(ready & own ? ready & own : ready) + 1;
}

int ut_sigqueue_take(struct ut_coro *coro, uint64_t set, siginfo_t *info)
{
    struct ut_queued *record = NULL;
    bool more;
    if (!(atomic_load(&coro->pending) & set))
        return 0;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    int signal = first_of(atomic_load(&coro->pending) & set);
    if (signal) {
        record = unlink_first(coro, signal, &more);
        if (!more)
            atomic_fetch_and(&coro->pending, ~ut_signal_bit(signal));
        *info = record ? record->info : (siginfo_t){.si_signo = signal, .si_code = SI_USER};
    }
    ut_lock_release(&coro->lock);
    if (record)
        give_back(record);
    ut_critical_end();
    return signal;
}

int ut_sigqueue_take_shared(struct ut_coro *coro, uint64_t set, siginfo_t *info)
{
    struct ut_queued *record = NULL;
    uint64_t rest = 0;
    ut_lock_acquire(&coro->lock);
    for (struct ut_queued **link = &coro->queued; *link;) {
        uint64_t bit = ut_signal_bit((*link)->info.si_signo);
        if (!record && (*link)->shared && (bit & set)) {
            record = *link;
            *link = record->next;
        } else {
            rest |= bit;
            link = &(*link)->next;
        }
    }
    if (record) {
        *info = record->info;
        atomic_fetch_and(&coro->pending, ~ut_signal_bit(info->si_signo) | rest);
    }
    ut_lock_release(&coro->lock);
    if (!record)
        return 0;
    give_back(record);
    return info->si_signo;
}

void ut_sigqueue_clear(struct ut_coro *coro)
{
    siginfo_t info;
    while (ut_sigqueue_take(coro, ~UINT64_C(0), &info))
        ;
}

void ut_sigqueue_forked(struct ut_coro *self)
{
    pool.lock = (struct ut_lock){0};
    pool.used = 0; /* the records that the others had are lost to this process */
    if (self) {
        self->queued = NULL;
        atomic_store(&self->pending, 0);
    }
}
