/* SPDX-License-Identifier: MIT */
/*
 * Timers that signal one thread: timer_create(2) with SIGEV_THREAD_ID. The kernel does not know the
 * id of a coroutine. So such a timer signals the process, and whichever thread gets the signal
 * directs it at the coroutine, told by the timer's number in the signal (si_timerid). All else,
 * overruns and the value included, is the kernel's own.
 *
 * One difference is left: a native thread that waits for the same signal by sigwait(3) or
 * signalfd(2) may take it.
 */
#include "timers.h"

#include "lock.h"
#include "real.h"
#include "signals.h"

#include <signal.h>
#include <time.h>

/* Entries are never freed: a handler walks the list without a lock, at any instruction. */
struct entry {
    struct entry *next;             /* constant */
    _Atomic int timer;              /* the kernel's number, or FREE */
    _Atomic(struct ut_coro *) coro; /* NULL: its thread has ended, its signals go nowhere */
};

enum { FREE = -1, GREATEST = 1 << 30, PER_PAGE = 4096 / sizeof(struct entry) };

static _Atomic(struct entry *) entries;
static struct ut_lock lock; /* for changes */

static struct entry *find(int timer)
{
    struct entry *entry = atomic_load(&entries);
    while (entry && atomic_load(&entry->timer) != timer)
        entry = entry->next;
    return entry;
}

/* A free entry. The caller holds the lock. */
static struct entry *find_free(void)
{
    struct entry *free = find(FREE);
    if (free)
        return free;
    struct entry *page = ut_sys_map(PER_PAGE * sizeof *page);
    for (size_t i = 0; page && i < PER_PAGE; i++) {
        page[i].next = atomic_load(&entries);
        atomic_init(&page[i].timer, FREE);
        atomic_store(&entries, &page[i]);
    }
    return page;
}

static void forget(int timer)
{
    if (!atomic_load(&entries))
        return;
    ut_critical_begin();
    ut_lock_acquire(&lock);
    struct entry *entry = find(timer);
    if (entry)
        atomic_store(&entry->timer, FREE);
    ut_lock_release(&lock);
    ut_critical_end();
}

/* False: no memory. */
static bool remember(int timer, struct ut_coro *coro)
{
    ut_critical_begin();
    ut_lock_acquire(&lock);
    struct entry *entry = find_free();
    if (entry) {
        atomic_store(&entry->coro, coro);
        atomic_store(&entry->timer, timer);
    }
    ut_lock_release(&lock);
    ut_critical_end();
    return entry;
}

void ut_timers_forget(struct ut_coro *coro)
{
    for (struct entry *entry = atomic_load(&entries); entry; entry = entry->next) {
        struct ut_coro *expected = coro;
        atomic_compare_exchange_strong(&entry->coro, &expected, NULL);
    }
}

bool ut_timers_target(const siginfo_t *info, struct ut_coro **coro)
{
    if (info->si_code != SI_TIMER)
        return false;
    struct entry *entry = find(info->si_timerid);
    if (!entry)
        return false;
    *coro = atomic_load(&entry->coro);
    return true;
}

static struct ut_coro *target_of(const struct sigevent *event)
{
    return ut_shim_started() && event && ut_shim_readable(event, sizeof *event) &&
                   event->sigev_notify == SIGEV_THREAD_ID
               ? ut_signals_find(event->_sigev_un._tid)
               : NULL;
}

/* libc's timer_t is the kernel's number (since 2.34; a negative one is a SIGEV_THREAD timer). */
static int number_of(timer_t timer)
{
    intptr_t number = (intptr_t)timer;
    return number >= 0 && number < GREATEST ? (int)number : FREE;
}

UT_EXPORT int timer_delete(timer_t timer)
{
    int result = real(timer_delete)(timer);
    if (result == 0 && number_of(timer) != FREE)
        forget(number_of(timer));
    return result;
}

UT_EXPORT int timer_create(clockid_t clock, struct sigevent *restrict event,
                           timer_t *restrict timer)
{
    struct ut_coro *coro = target_of(event);
    if (!coro) {
        int result = real(timer_create)(clock, event, timer);
        if (result == 0 && number_of(*timer) != FREE)
            forget(number_of(*timer)); /* of the process that forked us */
        return result;
    }
    struct sigevent changed = *event;
    changed.sigev_notify = SIGEV_SIGNAL;
    int result = real(timer_create)(clock, &changed, timer);
    if (result < 0)
        return result;
    if (number_of(*timer) != FREE && remember(number_of(*timer), coro))
        return 0;
    timer_delete(*timer);
    return (int)ut_shim_return(-EAGAIN);
}

/* For syscall(2), whose timer is the kernel's number. */
int ut_timers_create(clockid_t clock, struct sigevent *event, int *number)
{
    timer_t timer;
    int notify = event && ut_shim_readable(event, sizeof *event) ? event->sigev_notify : SIGEV_NONE;
    if (!number || !ut_shim_readable(number, sizeof *number) ||
        (notify != SIGEV_THREAD_ID && notify != SIGEV_SIGNAL))
        return (int)ut_shim_return(ut_syscall3(SYS_timer_create, clock, event, number));
    int result = timer_create(clock, event, &timer);
    if (result == 0)
        *number = number_of(timer);
    return result;
}

void ut_timers_forked(void)
{
    lock = (struct ut_lock){0};
    for (struct entry *entry = atomic_load(&entries); entry; entry = entry->next)
        atomic_store(&entry->timer, FREE);
}
