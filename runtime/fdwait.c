/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: who is queued at an entry, and what events do with them. */
#include "fdtable.h"

#include "coro.h"
#include "ours.h"
#include "reactor.h"
#include "sched.h"
#include "shake.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

/* Queueing. The caller holds the entry's lock. */

static void queue(struct ut_fd *entry, struct ut_fd_waiter *waiter)
{
    /* Thousands may poll one descriptor: the end must be at hand. */
    struct ut_fd_waiter *last = entry->last;
    waiter->next = NULL;
    waiter->previous = last;
    waiter->entry = entry;
    waiter->queued = true;
    entry->last = waiter;
    if (last)
        last->next = waiter;
    else
        entry->waiters = waiter;
}

static void unqueue(struct ut_fd *entry, struct ut_fd_waiter *waiter)
{
    if (waiter->previous)
        waiter->previous->next = waiter->next;
    else
        entry->waiters = waiter->next;
    if (waiter->next)
        waiter->next->previous = waiter->previous;
    else
        entry->last = waiter->previous;
    waiter->queued = false;
}

/*
 * Wake who waits for any of EVENTS: all that only look, and the first that takes. The end of the
 * stream, or an error, is for everybody.
 */
void ut_fd_wake(struct ut_fd *entry, uint32_t events, uint32_t round, enum ut_wait_outcome outcome)
{
    struct ut_fd_waiter *waiter = entry->waiters, *next;
    bool all = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    uint32_t taken = 0; /* EPOLLIN, EPOLLOUT: somebody will take what is there */
    for (; waiter; waiter = next) {
        next = waiter->next;
        uint32_t takes = !waiter->exclusive ? 0 : waiter->events & EPOLLOUT ? EPOLLOUT : EPOLLIN;
        if (!(waiter->events & events) || ((taken & takes) && !all))
            continue;
        struct ut_coro *coro = waiter->coro;
        uint64_t ticket = waiter->ticket;
        /* Of the round that was under way: the kernel may have said so before it was asked last. */
        waiter->came = round && waiter->round != round ? events : 0;
        unqueue(entry, waiter); /* after its wait has ended the waiter's frame may be gone */
        if (ut_wait_end(coro, ticket, outcome))
            taken |= takes;
    }
}

/* Have the kernel report events of FD. The caller holds the lock. */
static int watch(struct ut_fd *entry, int fd)
{
    if (atomic_load_explicit(&entry->lane, memory_order_relaxed))
        return 0;
    struct ut_lane *lane = ut_sched_claim();
    unsigned index = lane ? lane->index : 0;
    ut_sched_unclaim(lane);
    /* Adding reports what is there already, so nothing that came before is missed. */
    uint64_t generation = atomic_load_explicit(&entry->generation, memory_order_relaxed);
    ut_shake();
    int result = ut_reactor_watch(ut_lanes[index].reactor, fd, generation << 32 | (uint32_t)fd);
    ut_shake(); /* the lane may report an event already: it waits for the entry's lock */
    if (result == 0)
        atomic_store_explicit(&entry->lane, index + 1, memory_order_relaxed);
    return result;
}

/* The caller holds the lock. */
static void enroll(struct ut_fd *entry, struct ut_fd_call *call)
{
    call->entry = entry;
    call->moved_to = -1;
    call->previous = NULL;
    call->next = entry->calls;
    if (call->next)
        call->next->previous = call;
    entry->calls = call;
}

static int outcome_error(enum ut_wait_outcome outcome)
{
    switch (outcome) {
    case UT_WAIT_TIMED_OUT:
        return -ETIMEDOUT;
    case UT_WAIT_INTERRUPTED:
        return -EINTR;
    default:
        return 0;
    }
}

/* What a call does whose descriptor was closed. The caller holds the lock. */
static int closed(const struct ut_fd_call *call)
{
    return call && call->entry && call->moved_to >= 0 ? -ESTALE : -EBADF;
}

/* Is the stamp still the one of the failed attempt? Then nothing has come, and nothing promises. */
static bool nothing_new(struct ut_fd *entry, const struct ut_fd_use *use)
{
    uint32_t stamp = use->stamp, drained = use->stamp & ~UT_STAMP_READY;
    if (stamp == drained)
        return atomic_load(&entry->stamp[use->direction]) == drained;
    return atomic_compare_exchange_strong(&entry->stamp[use->direction], &stamp, drained) ||
           stamp == drained;
}

int ut_fd_wait(const struct ut_fd_use *use, struct ut_fd_call *call, const char *why,
               int64_t deadline)
{
    struct ut_coro *self = ut_tls.coro;
    struct ut_fd *entry = use->entry;
    struct ut_fd_waiter waiter = {
        .coro = self,
        .events = ut_fd_interest[use->direction],
        .exclusive = true,
    };
    ut_lock_acquire(&entry->lock);
    int result;
    if (atomic_load_explicit(&entry->generation, memory_order_relaxed) != use->generation) {
        result = closed(call);
    } else if (atomic_load_explicit(&entry->closing, memory_order_relaxed)) {
        ut_lock_release(&entry->lock);
        ut_sched_yield(self);
        return 0;
    } else {
        result = watch(entry, use->fd);
    }
    if (result < 0 || !nothing_new(entry, use)) {
        ut_lock_release(&entry->lock);
        return result;
    }
    if (call && !call->entry)
        enroll(entry, call);
    waiter.ticket = ut_wait_begin(self);
    queue(entry, &waiter);
    ut_lock_release(&entry->lock);
    enum ut_wait_outcome outcome = ut_wait_suspend(self, why, deadline);
    if (outcome != UT_WAIT_WOKEN) /* else ut_fd_wake has taken it out, before it ended the wait */
        ut_fd_dequeue(&waiter);
    return outcome == UT_WAIT_CLOSED ? closed(call) : outcome_error(outcome);
}

bool ut_fd_call_begin(struct ut_fd_call *call, const struct ut_fd_use *use)
{
    struct ut_fd *entry = use->entry;
    ut_lock_acquire(&entry->lock);
    bool closing = atomic_load_explicit(&entry->closing, memory_order_relaxed);
    if (!closing &&
        atomic_load_explicit(&entry->generation, memory_order_relaxed) == use->generation)
        enroll(entry, call);
    ut_lock_release(&entry->lock);
    if (closing)
        ut_sched_yield(ut_tls.coro);
    return !closing;
}

void ut_fd_call_end(struct ut_fd_call *call)
{
    struct ut_fd *entry = call->entry;
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    if (call->previous)
        call->previous->next = call->next;
    else
        entry->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->entry = NULL;
    ut_lock_release(&entry->lock);
    struct ut_fd *kept = ut_fd_find(call->moved_to);
    if (kept && atomic_fetch_sub(&kept->holders, 1) == 1) {
        uint32_t generation = ut_fd_closing(call->moved_to);
        ut_syscall1(SYS_close, call->moved_to);
        ut_fd_closed(call->moved_to, generation);
    }
}

bool ut_fd_keep_open(struct ut_fd *entry, int fd)
{
    uint32_t holders = 0;
    for (struct ut_fd_call *call = entry->calls; call; call = call->next)
        holders += call->moved_to < 0;
    if (!holders)
        return false;
    int kept = (int)ut_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ut_ours_from());
    struct ut_fd *other = ut_fd_get(kept);
    if (!other) /* out of descriptors: the calls end with EBADF */
        return false;
    ut_fd_opened(kept, atomic_load_explicit(&entry->kind, memory_order_relaxed), false, false);
    atomic_store(&other->holders, holders);
    for (struct ut_fd_call *call = entry->calls; call; call = call->next)
        if (call->moved_to < 0)
            __atomic_store_n(&call->moved_to, kept, __ATOMIC_RELEASE);
    return true;
}

/*
 * Does a stamp say that one of EVENTS is worth a look? Priority data is never counted on. Without any
 * event the end of the stream is waited for: that stamps both directions.
 */
static bool may_have_come(struct ut_fd *entry, uint32_t events)
{
    return (events != EPOLLOUT &&
            (atomic_load_explicit(&entry->stamp[UT_FD_READ], memory_order_relaxed) &
             UT_STAMP_READY)) ||
           ((events & EPOLLOUT) &&
            (atomic_load_explicit(&entry->stamp[UT_FD_WRITE], memory_order_relaxed) &
             UT_STAMP_READY));
}

int ut_fd_enqueue(struct ut_fd_waiter *waiter, int fd, uint32_t events, uint64_t ticket)
{
    struct ut_fd *entry = ut_fd_get(fd);
    waiter->queued = false;
    waiter->came = 0;
    waiter->entry = NULL; /* until it is queued: it may be dequeued in any case */
    if (!entry)
        return -EBADF;
    waiter->coro = ut_tls.coro;
    waiter->events = events | EPOLLHUP | EPOLLERR;
    waiter->ticket = ticket;
    waiter->exclusive = false;
    ut_lock_acquire(&entry->lock);
    bool closing = atomic_load_explicit(&entry->closing, memory_order_relaxed);
    int result = closing ? 1 : watch(entry, fd);
    if (result == 0) {
        unsigned lane = atomic_load_explicit(&entry->lane, memory_order_relaxed) - 1u;
        waiter->round = ut_reactor_round(ut_lanes[lane].reactor);
        queue(entry, waiter);
        result = may_have_come(entry, events);
    }
    ut_lock_release(&entry->lock);
    return result;
}

void ut_fd_dequeue(struct ut_fd_waiter *waiter)
{
    struct ut_fd *entry = waiter->entry;
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    if (waiter->queued)
        unqueue(entry, waiter);
    ut_lock_release(&entry->lock);
}

void ut_fd_pass_on(const struct ut_fd_use *use)
{
    struct ut_fd *entry = use->entry;
    if (!atomic_load_explicit(&entry->waiters, memory_order_relaxed))
        return;
    ut_lock_acquire(&entry->lock);
    if (atomic_load_explicit(&entry->stamp[use->direction], memory_order_relaxed) & UT_STAMP_READY)
        ut_fd_wake(entry, use->direction == UT_FD_READ ? EPOLLIN : EPOLLOUT, 0, UT_WAIT_WOKEN);
    ut_lock_release(&entry->lock);
}

static struct ut_fd *entry_of(const struct epoll_event *event)
{
    return ut_fd_find((int)(uint32_t)event->data.u64);
}

/*
 * An entry leads to its waiter, on a stack, and that to the coroutine: three steps, each for
 * all events. A waiter may be read under the lock only: the memory of a long poll() is unmapped as
 * soon as it is over. Its address alone does no harm.
 */
void ut_fd_expect(const struct epoll_event *events, long count)
{
    for (long i = 0; i < count; i++)
        __builtin_prefetch(entry_of(&events[i]), 1);
    for (long i = 0; i < count; i++) {
        struct ut_fd *entry = entry_of(&events[i]);
        if (entry)
            __builtin_prefetch(atomic_load_explicit(&entry->waiters, memory_order_relaxed), 1);
    }
    for (long i = 0; i < count; i++) {
        struct ut_fd *entry = entry_of(&events[i]);
        if (!entry)
            continue;
        ut_lock_acquire(&entry->lock);
        struct ut_fd_waiter *waiter = atomic_load_explicit(&entry->waiters, memory_order_relaxed);
        ut_shake();
        if (waiter)
            ut_coro_bring_near(waiter->coro);
        ut_lock_release(&entry->lock);
    }
}

void ut_fd_event(uint64_t data, uint32_t events, uint32_t round)
{
    struct ut_fd *entry = ut_fd_find((int)(uint32_t)data);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    if (atomic_load_explicit(&entry->generation, memory_order_relaxed) == data >> 32) {
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            atomic_store_explicit(&entry->hung_up, true, memory_order_relaxed);
        for (int direction = 0; direction < 2; direction++) {
            if (!(events & ut_fd_interest[direction]))
                continue;
            uint32_t stamp = atomic_load(&entry->stamp[direction]);
            while (!atomic_compare_exchange_weak(&entry->stamp[direction], &stamp,
                                                 (stamp + UT_STAMP_EVENT) | UT_STAMP_READY))
                ;
        }
        ut_fd_wake(entry, events, round, UT_WAIT_WOKEN);
    }
    ut_lock_release(&entry->lock);
}

void ut_fd_look_again(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (!entry)
        return;
    uint64_t generation = atomic_load_explicit(&entry->generation, memory_order_relaxed);
    ut_fd_event(generation << 32 | (uint32_t)fd, EPOLLIN | EPOLLOUT, 0);
}
