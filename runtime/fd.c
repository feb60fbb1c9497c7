/* SPDX-License-Identifier: MIT */
#include "fdtable.h"

#include "clock.h"
#include "config.h"
#include "ours.h"
#include "reactor.h"
#include "sched.h"
#include "shake.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

enum {
    PER_CHUNK = 1024,
    CHUNKS = 1024 * 1024 / PER_CHUNK, /* fs.nr_open's default, 1,048,576 */
};

/* Seldom looked at, so it lies behind all entries of its chunk. */
struct timeouts {
    _Atomic int64_t of[2]; /* by direction: SO_RCVTIMEO, SO_SNDTIMEO; 0: none */
};

struct chunk {
    struct ut_fd entries[PER_CHUNK];
    struct timeouts timeouts[PER_CHUNK];
};

static _Atomic(struct chunk *) chunks[CHUNKS];
static _Atomic uint32_t fork_epoch;

struct ut_fd *ut_fd_find(int fd)
{
    unsigned number = (unsigned)fd; /* none is negative: those are absurdly large, then */
    if (number >= CHUNKS * PER_CHUNK)
        return NULL;
    struct chunk *chunk = atomic_load_explicit(&chunks[number / PER_CHUNK], memory_order_acquire);
    return chunk ? &chunk->entries[number % PER_CHUNK] : NULL;
}

/* Of an FD that has an entry. */
static struct timeouts *timeouts_of(int fd)
{
    unsigned number = (unsigned)fd;
    struct chunk *chunk = atomic_load_explicit(&chunks[number / PER_CHUNK], memory_order_acquire);
    return &chunk->timeouts[number % PER_CHUNK];
}

static __attribute__((noinline, cold)) struct ut_fd *make_chunk(int fd)
{
    if (fd < 0 || fd >= CHUNKS * PER_CHUNK)
        return NULL;
    struct chunk *chunk = ut_sys_map(sizeof *chunk), *none = NULL;
    if (!chunk)
        return NULL;
    for (int i = 0; i < PER_CHUNK; i++) {
        atomic_init(&chunk->entries[i].stamp[0], UT_STAMP_READY);
        atomic_init(&chunk->entries[i].stamp[1], UT_STAMP_READY);
    }
    if (!atomic_compare_exchange_strong(&chunks[fd / PER_CHUNK], &none, chunk))
        ut_syscall2(SYS_munmap, chunk, sizeof *chunk); /* another was faster */
    return ut_fd_find(fd);
}

struct ut_fd *ut_fd_get(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    return __builtin_expect(entry != NULL, 1) ? entry : make_chunk(fd);
}

bool ut_fd_use(struct ut_fd_use *use, int fd, enum ut_fd_direction direction)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (!entry)
        return false;
    use->entry = entry;
    use->fd = fd;
    use->direction = direction;
    /* Generation first: if the number is reused between the two, the wait notices. */
    use->generation = atomic_load_explicit(&entry->generation, memory_order_acquire);
    ut_shake();
    use->stamp = atomic_load_explicit(&entry->stamp[direction], memory_order_acquire);
    return true;
}

bool ut_fd_promising(const struct ut_fd_use *use)
{
    return use->stamp & UT_STAMP_READY;
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
    ut_shake();
    atomic_compare_exchange_strong(&entry->stamp[use->direction], &stamp, stamp & ~UT_STAMP_READY);
}

void ut_fd_exhausted(const struct ut_fd_use *use)
{
    uint32_t stamp = use->stamp;
    if (atomic_load_explicit(&use->entry->lane, memory_order_relaxed))
        atomic_compare_exchange_strong(&use->entry->stamp[use->direction], &stamp,
                                       stamp & ~UT_STAMP_READY);
}

/* Comings and goings */

static void set_timeout(struct ut_fd *entry, int fd, enum ut_fd_direction direction, int64_t timeout)
{
    int64_t value = timeout == UT_FOREVER ? 0 : timeout;
    atomic_store_explicit(&timeouts_of(fd)->of[direction], value, memory_order_relaxed);
    if (value)
        atomic_store_explicit(&entry->has_timeouts, true, memory_order_release);
}

/* The number FD starts a new life. The caller holds the lock. */
static void renew(struct ut_fd *entry, int fd)
{
    atomic_fetch_add_explicit(&entry->generation, 1, memory_order_release);
    ut_shake();
    ut_fd_wake(entry, ~0u, 0, UT_WAIT_CLOSED);
    ut_shake();
    for (int direction = 0; direction < 2; direction++)
        atomic_store_explicit(&entry->stamp[direction], UT_STAMP_READY, memory_order_release);
    if (atomic_load_explicit(&entry->has_timeouts, memory_order_relaxed))
        for (int direction = 0; direction < 2; direction++)
            set_timeout(entry, fd, direction, UT_FOREVER);
    atomic_store_explicit(&entry->has_timeouts, false, memory_order_relaxed);
    atomic_store_explicit(&entry->lane, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->kind, UT_FD_UNKNOWN, memory_order_relaxed);
    atomic_store_explicit(&entry->hung_up, false, memory_order_relaxed);
    atomic_store_explicit(&entry->closing, false, memory_order_relaxed);
    atomic_store_explicit(&entry->linger, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->pace.level, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->pace.nowait, UT_PACE_ASK, memory_order_relaxed);
    atomic_store_explicit(&entry->owned, false, memory_order_relaxed);
    atomic_store_explicit(&entry->timeouts_known, false, memory_order_relaxed);
}

void ut_fd_opened(int fd, enum ut_fd_kind kind, bool owned, bool nonblock)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    renew(entry, fd); /* it may have been closed behind our back */
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

uint32_t ut_fd_closing(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (!entry)
        return 0;
    ut_lock_acquire(&entry->lock);
    bool kept = ut_fd_keep_open(entry, fd);
    unsigned lane = atomic_load_explicit(&entry->lane, memory_order_relaxed);
    /* A duplicate would keep the registration alive, with a stale generation: take it out. */
    if (lane && (kept || !is_sole(entry)))
        ut_reactor_forget(ut_lanes[lane - 1].reactor, fd);
    renew(entry, fd);
    atomic_store_explicit(&entry->closing, true, memory_order_relaxed);
    uint32_t generation = atomic_load_explicit(&entry->generation, memory_order_relaxed);
    ut_lock_release(&entry->lock);
    ut_shake();
    return generation;
}

void ut_fd_closed(int fd, uint32_t generation)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    /* Else it was opened again meanwhile, by another thread. An attempt that was begun before the
     * close is of no use any more: it must not wait for what is gone. */
    if (atomic_load_explicit(&entry->generation, memory_order_relaxed) == generation)
        renew(entry, fd);
    ut_lock_release(&entry->lock);
}

void ut_fd_forget_events(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (!entry)
        return;
    ut_lock_acquire(&entry->lock);
    unsigned lane = atomic_load_explicit(&entry->lane, memory_order_relaxed);
    if (lane && !atomic_load_explicit(&entry->waiters, memory_order_relaxed)) {
        ut_reactor_forget(ut_lanes[lane - 1].reactor, fd);
        atomic_store_explicit(&entry->lane, 0, memory_order_relaxed);
        atomic_store_explicit(&entry->hung_up, false, memory_order_relaxed);
        for (int direction = 0; direction < 2; direction++)
            atomic_fetch_or(&entry->stamp[direction], UT_STAMP_READY);
    }
    ut_lock_release(&entry->lock);
}

void ut_fd_shared(int fd)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (entry)
        atomic_store_explicit(&entry->owned, false, memory_order_release);
}

void ut_fd_set_nonblocking(int fd, bool nonblock)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (!entry)
        return;
    atomic_store_explicit(&entry->nonblock, nonblock, memory_order_relaxed);
    atomic_store_explicit(&entry->pace.nowait, UT_PACE_ASK, memory_order_relaxed); /* O_DIRECT */
}

int ut_fd_nonblocking(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    if (entry && is_sole(entry))
        return atomic_load_explicit(&entry->nonblock, memory_order_relaxed);
    long flags = ut_syscall2(SYS_fcntl, fd, F_GETFL);
    return flags < 0 ? (int)flags : !!(flags & O_NONBLOCK);
}

/* Those of no type, as stat has it, are told apart by name. */
static bool is_signalfd(int fd, mode_t mode)
{
    static const char wanted[] = "anon_inode:[signalfd]";
    char path[32], target[sizeof wanted];
    if (mode & S_IFMT)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    long size = ut_syscall4(SYS_readlinkat, AT_FDCWD, path, target, sizeof target);
    return size == (long)sizeof wanted - 1 && memcmp(target, wanted, sizeof wanted - 1) == 0;
}

static enum ut_fd_kind tell_kind(int fd)
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
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))
        return UT_FD_FILE;
    struct termios attributes;
    if (S_ISCHR(status.st_mode) && ut_syscall3(SYS_ioctl, fd, TCGETS, &attributes) == 0)
        return UT_FD_TERMINAL;
    return is_signalfd(fd, status.st_mode) ? UT_FD_SIGNALS : UT_FD_POLLABLE;
}

static __attribute__((noinline, cold)) enum ut_fd_kind ask_kind(struct ut_fd *entry, int fd)
{
    enum ut_fd_kind kind = tell_kind(fd);
    ut_shake();
    if (kind != UT_FD_UNKNOWN)
        atomic_store_explicit(&entry->kind, kind, memory_order_relaxed);
    return kind;
}

enum ut_fd_kind ut_fd_kind(int fd)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (!entry)
        return UT_FD_UNKNOWN;
    enum ut_fd_kind kind = atomic_load_explicit(&entry->kind, memory_order_relaxed);
    if (kind != UT_FD_UNKNOWN)
        return kind;
    return ask_kind(entry, fd);
}

/* A descriptor from elsewhere (inherited, received) may come with timeouts. */
static __attribute__((noinline, cold)) void ask_timeouts(struct ut_fd *entry, int fd)
{
    static const int option[] = {[UT_FD_READ] = SO_RCVTIMEO, [UT_FD_WRITE] = SO_SNDTIMEO};
    for (int direction = 0; direction < 2; direction++) {
        struct timeval time = {0};
        socklen_t size = sizeof time;
        long result = ut_syscall5(SYS_getsockopt, fd, SOL_SOCKET, option[direction], &time, &size);
        int64_t span = time.tv_sec * UT_SECOND + time.tv_usec * UT_MICROSECOND;
        set_timeout(entry, fd, direction, result == 0 && span ? span : UT_FOREVER);
    }
    atomic_store_explicit(&entry->timeouts_known, true, memory_order_release);
}

int64_t ut_fd_timeout(int fd, enum ut_fd_direction direction)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (!entry)
        return UT_FOREVER;
    if (!atomic_load_explicit(&entry->timeouts_known, memory_order_acquire))
        ask_timeouts(entry, fd);
    if (!atomic_load_explicit(&entry->has_timeouts, memory_order_acquire))
        return UT_FOREVER;
    int64_t value = atomic_load_explicit(&timeouts_of(fd)->of[direction], memory_order_relaxed);
    return value ? value : UT_FOREVER;
}

void ut_fd_set_timeout(int fd, enum ut_fd_direction direction, int64_t timeout)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (entry)
        set_timeout(entry, fd, direction, timeout);
}

int ut_fd_linger(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    return entry ? atomic_load_explicit(&entry->linger, memory_order_relaxed) : 0;
}

void ut_fd_set_linger(int fd, int seconds)
{
    struct ut_fd *entry = ut_fd_get(fd);
    if (entry)
        atomic_store_explicit(&entry->linger, seconds, memory_order_relaxed);
}

struct ut_pace *ut_fd_pace(int fd)
{
    struct ut_fd *entry = ut_config_leaves(UT_CONFIG_FILES) ? NULL : ut_fd_get(fd);
    return entry ? &entry->pace : NULL;
}

bool ut_fd_is_sole(int fd)
{
    struct ut_fd *entry = ut_fd_find(fd);
    return entry && is_sole(entry);
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
    ut_ours_close();
    atomic_fetch_add(&fork_epoch, 1);
    for (int i = 0; i < CHUNKS; i++) {
        struct chunk *chunk = atomic_load(&chunks[i]);
        for (int j = 0; chunk && j < PER_CHUNK; j++) {
            struct ut_fd *entry = &chunk->entries[j];
            entry->lock = (struct ut_lock){0};
            atomic_store(&entry->waiters, NULL);
            entry->last = NULL;
            entry->calls = NULL;
            atomic_store(&entry->closing, false); /* who was about to has stayed behind */
            if (atomic_load(&entry->lane))
                renew(entry, i * PER_CHUNK + j);
        }
    }
}
