/* SPDX-License-Identifier: MIT */
/* The descriptor table's insides: for fd.c (the table) and fdwait.c (waiting) only. */
#ifndef UT_FDTABLE_H
#define UT_FDTABLE_H

#include "fd.h"
#include "pace.h"
#include "wait.h"

#include <sys/epoll.h>

enum {
    UT_STAMP_READY = 1,
    UT_STAMP_EVENT = 2, /* added for each event */
};

/* Events by direction; errors and hang-ups concern both. */
static const uint32_t ut_fd_interest[] = {
    [UT_FD_READ] = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR,
    [UT_FD_WRITE] = EPOLLOUT | EPOLLHUP | EPOLLERR,
};

/* What every wait touches: one line of the cache. */
struct ut_fd {
    struct ut_lock lock;
    _Atomic uint32_t generation; /* counts uses of the number; changed under the lock */
    _Atomic uint32_t stamp[2];   /* events add under the lock; drained clears by exchange */
    _Atomic uint16_t lane;       /* whose reactor watches it, plus one; 0: nobody's */
    _Atomic uint8_t kind;
    _Atomic bool hung_up; /* end of file was seen coming: a short read proves nothing */
    _Atomic bool closing; /* between ut_fd_closing and ut_fd_closed; under the lock */
    _Atomic bool owned;
    _Atomic bool nonblock; /* meaningful if owned and of this fork epoch */
    _Atomic bool timeouts_known;
    _Atomic uint32_t epoch;
    _Atomic uint32_t holders; /* calls that keep a closed file alive, see ut_fd_closing */
    _Atomic int linger;       /* seconds */
    struct ut_pace pace;      /* of calls on a file */
    _Atomic bool has_timeouts; /* else none, if they are known */
    _Atomic(struct ut_fd_waiter *) waiters; /* first come first; changed under the lock */
    struct ut_fd_waiter *last;              /* under the lock */
    struct ut_fd_call *calls;               /* under way, of any generation; under the lock */
};

_Static_assert(sizeof(struct ut_fd) == 64, "one line of the cache");

/* The entry of FD, if there is one already; or made, NULL without memory or for absurd numbers. */
struct ut_fd *ut_fd_find(int fd);
struct ut_fd *ut_fd_get(int fd);

/*
 * Wake who waits for any of EVENTS, see fdwait.c. They are all that the kernel reported in the
 * reactor's ROUND, or a guess if that is 0. The caller holds the entry's lock.
 */
void ut_fd_wake(struct ut_fd *entry, uint32_t events, uint32_t round, enum ut_wait_outcome outcome);

/*
 * FD is being closed: keep its file for the calls that are under way. True if there are any. The
 * caller holds the entry's lock; the duplicate's entry is locked inside, and known to nobody yet.
 */
bool ut_fd_keep_open(struct ut_fd *entry, int fd);

#endif
