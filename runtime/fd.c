/* SPDX-License-Identifier: MIT */
#include "fd.h"

#include "clock.h"
#include "coro.h"
#include "reactor.h"
#include "sched.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
    PER_CHUNK = 1024,
    CHUNKS = 1024 * 1024 / PER_CHUNK, /* fs.nr_open's default, 1,048,576 */
    STAMP_READY = 1,
    STAMP_EVENT = 2, /* added for each event */
    OURS = 8192,     /* six per lane, a few more */
    HIGH = 960,      /* where ours begin: high, but within the kernel's table of 1,024 */
};

/* Events by direction; errors and hang-ups concern both. */
static const uint32_t interest[] = {
    [UT_FD_READ] = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR,
    [UT_FD_WRITE] = EPOLLOUT | EPOLLHUP | EPOLLERR,
};

struct ut_fd {
    struct ut_lock lock;
    _Atomic uint32_t generation; /* counts uses of the number; changed under the lock */
    _Atomic uint32_t stamp[2];   /* events add under the lock; drained clears by exchange */
    _Atomic uint16_t lane;       /* whose reactor watches it, plus one; 0: nobody's */
    _Atomic uint8_t kind;
    _Atomic bool hung_up;        /* end of file was seen coming: a short read proves nothing */
    _Atomic bool owned;
    _Atomic bool nonblock;       /* meaningful if owned and of this fork epoch */
    _Atomic bool timeouts_known;
    _Atomic uint32_t epoch;
    _Atomic int64_t timeout[2];
    _Atomic(struct ut_fd_waiter *) waiters; /* first come first; changed under the lock */
    struct ut_fd_waiter *last;              /* under the lock */
};

static _Atomic(struct ut_fd *) chunks[CHUNKS];
static _Atomic uint32_t fork_epoch;

/* Our own descriptors. Only added to, at start. */
static int ours[OURS];
static _Atomic unsigned ours_count;
static int lowest_of_ours = INT_MAX;

static struct ut_fd *find(int fd)
{
    if (fd < 0 || fd >= CHUNKS * PER_CHUNK)
        return NULL;
    struct ut_fd *chunk = atomic_load_explicit(&chunks[fd / PER_CHUNK], memory_order_acquire);
    return chunk ? &chunk[fd % PER_CHUNK] : NULL;
}

static struct ut_fd *get(int fd)
{
    struct ut_fd *entry = find(fd);
    if (entry || fd < 0 || fd >= CHUNKS * PER_CHUNK)
        return entry;
    struct ut_fd *chunk = ut_sys_map(PER_CHUNK * sizeof *chunk), *none = NULL;
    if (!chunk)
        return NULL;
    for (int i = 0; i < PER_CHUNK; i++) {
        atomic_init(&chunk[i].stamp[0], STAMP_READY);
        atomic_init(&chunk[i].stamp[1], STAMP_READY);
    }
    if (!atomic_compare_exchange_strong(&chunks[fd / PER_CHUNK], &none, chunk))
        ut_syscall2(SYS_munmap, chunk, PER_CHUNK * sizeof *chunk); /* another was faster */
    return find(fd);
}

bool ut_fd_use(struct ut_fd_use *use, int fd, enum ut_fd_direction direction)
{
    struct ut_fd *entry = get(fd);
    if (!entry)
        return false;
    use->entry = entry;
    use->fd = fd;
    use->direction = direction;
    /* Generation first: if the number is reused between the two, the wait notices. */
    use->generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
    use->stamp = atomic_load_explicit(&entry->stamp[direction], memory_order_acquire);
    return true;
}

bool ut_fd_promising(const struct ut_fd_use *use)
{
    return use->stamp & STAMP_READY;
}

void ut_fd_drained(const struct ut_fd_use *use)
{
    struct ut_fd *entry = use->entry;
    uint32_t stamp = use->stamp;
    /*
     * Unwatched, no event would ever set it again. After a hang-up there is an end to be read.
     * A short write may have other reasons than a full buffer (sendfile's own pipe), and without a
     * full buffer there is no event when it empties.
     */
    if (use->direction != UT_FD_READ || !atomic_load_explicit(&entry->lane, memory_order_relaxed) ||
        atomic_load_explicit(&entry->kind, memory_order_relaxed) != UT_FD_STREAM ||
        atomic_load_explicit(&entry->hung_up, memory_order_relaxed))
        return;
    atomic_compare_exchange_strong(&entry->stamp[use->direction], &stamp, stamp & ~STAMP_READY);
}

void ut_fd_exhausted(const struct ut_fd_use *use)
{
    uint32_t stamp = use->stamp;
    if (atomic_load_explicit(&use->entry->lane, memory_order_relaxed))
        atomic_compare_exchange_strong(&use->entry->stamp[use->direction], &stamp,
                                       stamp & ~STAMP_READY);
}

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
static void wake(struct ut_fd *entry, uint32_t events, enum ut_wait_outcome outcome)
{
    struct ut_fd_waiter *waiter = entry->waiters, *next;
    bool taken = false, all = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    for (; waiter; waiter = next) {
        next = waiter->next;
        if (!(waiter->events & events) || (taken && waiter->exclusive && !all))
            continue;
        struct ut_coro *coro = waiter->coro;
        uint64_t ticket = waiter->ticket;
        bool exclusive = waiter->exclusive && outcome == UT_WAIT_WOKEN;
        unqueue(entry, waiter); /* after its wait has ended the waiter's frame may be gone */
        if (ut_wait_end(coro, ticket, outcome))
            taken |= exclusive;
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
    int result = ut_reactor_watch(ut_lanes[index].reactor, fd, generation << 32 | (uint32_t)fd);
    if (result == 0)
        atomic_store_explicit(&entry->lane, index + 1, memory_order_relaxed);
    return result;
}

static int outcome_error(enum ut_wait_outcome outcome)
{
    switch (outcome) {
    case UT_WAIT_TIMED_OUT:
        return -ETIMEDOUT;
    case UT_WAIT_INTERRUPTED:
        return -EINTR;
    case UT_WAIT_CLOSED:
        return -EBADF;
    default:
        return 0;
    }
}

int ut_fd_wait(const struct ut_fd_use *use, const char *why, int64_t deadline)
{
    struct ut_coro *self = ut_tls.coro;
    struct ut_fd *entry = use->entry;
    struct ut_fd_waiter waiter = {
        .coro = self,
        .events = interest[use->direction],
        .exclusive = true,
    };
    ut_lock_acquire(&entry->lock);
    int result = watch(entry, use->fd);
    if (atomic_load_explicit(&entry->generation, memory_order_relaxed) != use->generation)
        result = -EBADF;
    uint32_t stamp = use->stamp;
    bool same = atomic_compare_exchange_strong(&entry->stamp[use->direction], &stamp,
                                               stamp & ~STAMP_READY) ||
                stamp == (use->stamp & ~STAMP_READY);
    if (result < 0 || !same) {
        ut_lock_release(&entry->lock);
        return result;
    }
    waiter.ticket = ut_wait_begin(self);
    queue(entry, &waiter);
    ut_lock_release(&entry->lock);
    enum ut_wait_outcome outcome = ut_wait_suspend(self, why, deadline);
    ut_fd_dequeue(&waiter);
    return outcome_error(outcome);
}

/* Does a stamp say that one of EVENTS is worth a look? Priority data is never counted on. */
static bool may_have_come(struct ut_fd *entry, uint32_t events)
{
    return ((events & interest[UT_FD_READ]) &&
            (atomic_load_explicit(&entry->stamp[UT_FD_READ], memory_order_relaxed) &
             STAMP_READY)) ||
           ((events & EPOLLOUT) &&
            (atomic_load_explicit(&entry->stamp[UT_FD_WRITE], memory_order_relaxed) &
             STAMP_READY));
}

int ut_fd_enqueue(struct ut_fd_waiter *waiter, int fd, uint32_t events, uint64_t ticket)
{
    struct ut_fd *entry = get(fd);
    waiter->queued = false;
    waiter->entry = NULL; /* until it is queued: it may be dequeued in any case */
    if (!entry)
        return -EBADF;
    waiter->coro = ut_tls.coro;
    waiter->events = events | EPOLLHUP | EPOLLERR;
    waiter->ticket = ticket;
    waiter->exclusive = false;
    ut_lock_acquire(&entry->lock);
    int result = watch(entry, fd);
    if (result == 0) {
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
    if (atomic_load_explicit(&entry->stamp[use->direction], memory_order_relaxed) & STAMP_READY)
        wake(entry, use->direction == UT_FD_READ ? EPOLLIN : EPOLLOUT, UT_WAIT_WOKEN);
    ut_lock_release(&entry->lock);
}

void ut_fd_event(uint64_t data, uint32_t events)
{
    struct ut_fd *entry = find((int)(uint32_t)data);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    if (atomic_load_explicit(&entry->generation, memory_order_relaxed) == data >> 32) {
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            atomic_store_explicit(&entry->hung_up, true, memory_order_relaxed);
        for (int direction = 0; direction < 2; direction++) {
            if (!(events & interest[direction]))
                continue;
            uint32_t stamp = atomic_load(&entry->stamp[direction]);
            while (!atomic_compare_exchange_weak(&entry->stamp[direction], &stamp,
                                                 (stamp + STAMP_EVENT) | STAMP_READY))
                ;
        }
        wake(entry, events, UT_WAIT_WOKEN);
    }
    ut_lock_release(&entry->lock);
}

/* Comings and goings */

/* The number starts a new life. The caller holds the lock. */
static void renew(struct ut_fd *entry)
{
    atomic_fetch_add_explicit(&entry->generation, 1, memory_order_release);
    wake(entry, ~0u, UT_WAIT_CLOSED);
    for (int direction = 0; direction < 2; direction++) {
        atomic_store_explicit(&entry->stamp[direction], STAMP_READY, memory_order_release);
        atomic_store_explicit(&entry->timeout[direction], UT_FOREVER, memory_order_relaxed);
    }
    atomic_store_explicit(&entry->lane, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->kind, UT_FD_UNKNOWN, memory_order_relaxed);
    atomic_store_explicit(&entry->hung_up, false, memory_order_relaxed);
    atomic_store_explicit(&entry->owned, false, memory_order_relaxed);
    atomic_store_explicit(&entry->timeouts_known, false, memory_order_relaxed);
}

void ut_fd_opened(int fd, enum ut_fd_kind kind, bool owned, bool nonblock)
{
    struct ut_fd *entry = get(fd);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    renew(entry); /* it may have been closed behind our back */
    atomic_store_explicit(&entry->kind, kind, memory_order_relaxed);
    atomic_store_explicit(&entry->nonblock, nonblock, memory_order_relaxed);
    atomic_store_explicit(&entry->epoch, atomic_load(&fork_epoch), memory_order_relaxed);
    atomic_store_explicit(&entry->timeouts_known, owned, memory_order_relaxed);
    atomic_store_explicit(&entry->owned, owned, memory_order_relaxed);
    ut_lock_release(&entry->lock);
}

/* Does its open file description belong to this descriptor of this process alone? */
static bool is_sole(struct ut_fd *entry)
{
    return atomic_load_explicit(&entry->owned, memory_order_acquire) &&
           atomic_load_explicit(&entry->epoch, memory_order_relaxed) == atomic_load(&fork_epoch);
}

void ut_fd_closing(int fd)
{
    struct ut_fd *entry = find(fd);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    unsigned lane = atomic_load_explicit(&entry->lane, memory_order_relaxed);
    /* A duplicate would keep the registration alive, with a stale generation: take it out. */
    if (lane && !is_sole(entry))
        ut_reactor_forget(ut_lanes[lane - 1].reactor, fd);
    renew(entry);
    ut_lock_release(&entry->lock);
}

void ut_fd_shared(int fd)
{
    struct ut_fd *entry = get(fd);
    if (entry)
        atomic_store_explicit(&entry->owned, false, memory_order_release);
}

void ut_fd_set_nonblocking(int fd, bool nonblock)
{
    struct ut_fd *entry = find(fd);
    if (entry)
        atomic_store_explicit(&entry->nonblock, nonblock, memory_order_relaxed);
}

int ut_fd_nonblocking(int fd)
{
    struct ut_fd *entry = find(fd);
    if (entry && is_sole(entry))
        return atomic_load_explicit(&entry->nonblock, memory_order_relaxed);
    long flags = ut_syscall2(SYS_fcntl, fd, F_GETFL);
    return flags < 0 ? (int)flags : !!(flags & O_NONBLOCK);
}

static enum ut_fd_kind ask_kind(int fd)
{
    struct stat status;
    int type = 0;
    socklen_t size = sizeof type;
    if (ut_syscall4(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH) < 0)
        return UT_FD_UNKNOWN;
    if (S_ISSOCK(status.st_mode)) {
        ut_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
        return type == SOCK_STREAM ? UT_FD_STREAM : UT_FD_SOCKET;
    }
    if (S_ISFIFO(status.st_mode))
        return UT_FD_PIPE;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)
               ? UT_FD_FILE
               : UT_FD_POLLABLE;
}

enum ut_fd_kind ut_fd_kind(int fd)
{
    struct ut_fd *entry = get(fd);
    if (!entry)
        return UT_FD_UNKNOWN;
    enum ut_fd_kind kind = atomic_load_explicit(&entry->kind, memory_order_relaxed);
    if (kind != UT_FD_UNKNOWN)
        return kind;
    kind = ask_kind(fd);
    if (kind != UT_FD_UNKNOWN)
        atomic_store_explicit(&entry->kind, kind, memory_order_relaxed);
    return kind;
}

/* A descriptor from elsewhere (inherited, received) may come with timeouts. */
static void ask_timeouts(struct ut_fd *entry, int fd)
{
    static const int option[] = {[UT_FD_READ] = SO_RCVTIMEO, [UT_FD_WRITE] = SO_SNDTIMEO};
    for (int direction = 0; direction < 2; direction++) {
        struct timeval time = {0};
        socklen_t size = sizeof time;
        long result = ut_syscall5(SYS_getsockopt, fd, SOL_SOCKET, option[direction], &time, &size);
        int64_t span = time.tv_sec * UT_SECOND + time.tv_usec * UT_MICROSECOND;
        atomic_store_explicit(&entry->timeout[direction], result == 0 && span ? span : UT_FOREVER,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&entry->timeouts_known, true, memory_order_release);
}

int64_t ut_fd_timeout(int fd, enum ut_fd_direction direction)
{
    struct ut_fd *entry = get(fd);
    if (!entry)
        return UT_FOREVER;
    if (!atomic_load_explicit(&entry->timeouts_known, memory_order_acquire))
        ask_timeouts(entry, fd);
    return atomic_load_explicit(&entry->timeout[direction], memory_order_relaxed);
}

void ut_fd_set_timeout(int fd, enum ut_fd_direction direction, int64_t timeout)
{
    struct ut_fd *entry = get(fd);
    if (entry)
        atomic_store_explicit(&entry->timeout[direction], timeout, memory_order_relaxed);
}

/* Our own descriptors */

int ut_fd_keep(int fd)
{
    struct rlimit limit;
    if (fd < 0)
        return fd;
    unsigned index = atomic_load(&ours_count);
    int high = -1;
    if (index == OURS)
        return fd;
    if (ut_syscall4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == 0) {
        long from = limit.rlim_cur < HIGH * 16 / 15 ? (long)limit.rlim_cur * 15 / 16 : HIGH;
        high = (int)ut_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
    }
    if (high >= 0) {
        ut_syscall1(SYS_close, fd);
        fd = high;
    }
    ours[index] = fd;
    if (fd < lowest_of_ours)
        lowest_of_ours = fd;
    atomic_store(&ours_count, index + 1);
    return fd;
}

/* libuv may have closed some of its own already; nobody else can have had the time to get them. */
void ut_fd_close_ours(void)
{
    unsigned count = atomic_exchange(&ours_count, 0);
    for (unsigned i = 0; i < count; i++)
        ut_syscall1(SYS_close, ours[i]);
    lowest_of_ours = INT_MAX;
}

bool ut_fd_is_ours(int fd)
{
    unsigned count = atomic_load_explicit(&ours_count, memory_order_acquire);
    if (!count || fd < lowest_of_ours)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (ours[i] == fd)
            return true;
    return false;
}

int ut_fd_next_of_ours(unsigned fd)
{
    unsigned count = atomic_load_explicit(&ours_count, memory_order_acquire);
    int next = -1;
    for (unsigned i = 0; i < count; i++)
        if ((unsigned)ours[i] >= fd && (next < 0 || ours[i] < next))
            next = ours[i];
    return next;
}

unsigned ut_fd_table_end(void)
{
    unsigned end = 0;
    for (unsigned i = 0; i < CHUNKS; i++)
        if (atomic_load_explicit(&chunks[i], memory_order_relaxed))
            end = (i + 1) * PER_CHUNK;
    return end;
}

/* Fork */

void ut_fd_fork_parent(void)
{
    atomic_fetch_add(&fork_epoch, 1);
}

void ut_fd_forked(void)
{
    ut_fd_close_ours();
    atomic_fetch_add(&fork_epoch, 1);
    for (int i = 0; i < CHUNKS; i++) {
        struct ut_fd *chunk = atomic_load(&chunks[i]);
        for (int j = 0; chunk && j < PER_CHUNK; j++) {
            struct ut_fd *entry = &chunk[j];
            entry->lock = (struct ut_lock){0};
            atomic_store(&entry->waiters, NULL);
            entry->last = NULL;
            if (atomic_load(&entry->lane))
                renew(entry);
        }
    }
}
