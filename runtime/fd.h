/* SPDX-License-Identifier: MIT */
/*
 * What the runtime knows of each descriptor: a table indexed by number that grows as needed.
 *
 * Readiness is edge-triggered. For each direction an entry holds a stamp: a counter of events
 * with the bit "an attempt may succeed". Whoever attempts I/O takes the stamp first; when
 * the attempt says that nothing is there, it may wait, or note that the descriptor is drained, only
 * if the stamp is still the same: else an event has come between, and the attempt is made again.
 *
 *      use = ut_fd_use(fd, UT_FD_READ);
 *      if (ut_fd_promising(&use)) attempt; done unless EAGAIN
 *      ut_fd_wait(&use, "recv", deadline), and again with a new use
 */
#ifndef UT_FD_H
#define UT_FD_H

#include "lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct epoll_event;
struct ut_coro;
struct ut_pace;

enum ut_fd_direction { UT_FD_READ, UT_FD_WRITE };

enum ut_fd_kind {
    UT_FD_UNKNOWN,
    UT_FD_STREAM, /* a connected byte stream: a short count means drained */
    UT_FD_SOCKET, /* any other socket */
    UT_FD_PIPE,
    UT_FD_POLLABLE, /* eventfd, timerfd, inotify, ... */
    UT_FD_SIGNALS,  /* signalfd */
    UT_FD_TERMINAL, /* polls, but its calls may end without readiness: job control, VTIME (termios(3)) */
    UT_FD_FILE,     /* cannot be watched: regular files, directories, block devices */
};

struct ut_fd;

/* One attempt at I/O. */
struct ut_fd_use {
    struct ut_fd *entry;
    int fd;
    enum ut_fd_direction direction;
    uint32_t generation;
    uint32_t stamp;
};

/*
 * One party that waits for one descriptor, on its own stack. Several make a poll().
 */
struct ut_fd_waiter {
    struct ut_fd_waiter *next, *previous; /* under the entry's lock, as is the next */
    bool queued;
    struct ut_fd *entry;
    struct ut_coro *coro;
    uint64_t ticket;
    uint32_t events; /* EPOLLIN, EPOLLOUT, ...: which wake it */
    uint32_t round;  /* the reactor's when it was queued */
    uint32_t came;   /* all that the kernel has said of the descriptor since; 0: it must be asked */
    bool exclusive;  /* it will take what is there, so nobody else need be woken for now */
};

/*
 * A call under way. Natively it holds a reference to its file until it returns, whatever is closed
 * meanwhile: so when the descriptor is closed, the calls go on with a duplicate.
 */
struct ut_fd_call {
    struct ut_fd_call *next, *previous; /* under the entry's lock */
    struct ut_fd *entry;                /* NULL: not registered */
    int moved_to;                       /* the duplicate, or -1 */
};

/*
 * Register CALL; by itself at the first wait. False: the descriptor is being closed, look again.
 * End it: unregister, give back the duplicate.
 */
bool ut_fd_call_begin(struct ut_fd_call *call, const struct ut_fd_use *use);
void ut_fd_call_end(struct ut_fd_call *call);

/* Start an attempt. False: no such descriptor can exist (negative, absurd, no memory). */
bool ut_fd_use(struct ut_fd_use *use, int fd, enum ut_fd_direction direction);

/* False: the last attempt drained it and nothing has come since; do not bother. */
bool ut_fd_promising(const struct ut_fd_use *use);

/* A read got less than it asked for: on a byte stream that means that it is drained. */
void ut_fd_drained(const struct ut_fd_use *use);

/* An attempt, or the kernel's answer to a poll, said that nothing can be done now. */
void ut_fd_exhausted(const struct ut_fd_use *use);

/* The attempt succeeded: if others wait for the same direction, let the next one try. */
void ut_fd_pass_on(const struct ut_fd_use *use);

/*
 * Wait until another attempt makes sense. 0; -ETIMEDOUT; -EINTR: a signal or cancellation asks
 * for attention; -EBADF: closed meanwhile; -EPERM: cannot be watched (a regular file); -ENOMEM,
 * -ENOSPC from the kernel. -ESTALE: closed meanwhile, and CALL, if there is one, goes on with
 * call->moved_to. Coroutines, in a critical section, no locks.
 */
int ut_fd_wait(const struct ut_fd_use *use, struct ut_fd_call *call, const char *why,
               int64_t deadline);

/*
 * The pieces of a wait on several descriptors. Enqueue: 0; 1 if one of EVENTS may have come
 * already, or the descriptor is being closed, so that waiting makes no sense; or an error as above.
 */
int ut_fd_enqueue(struct ut_fd_waiter *waiter, int fd, uint32_t events, uint64_t ticket);
void ut_fd_dequeue(struct ut_fd_waiter *waiter);

/*
 * COUNT events from the reactor follow: bring what they touch into the cache, for all of them side
 * by side. Their data may be of no descriptor. Then each event, with the reactor's round.
 */
void ut_fd_expect(const struct epoll_event *events, long count);
void ut_fd_event(uint64_t data, uint32_t events, uint32_t round);

/*
 * FD was just made by this process (accept, socket, open, dup ...) and nobody else knows it yet.
 * OWNED: its open file description belongs to it alone, so its flags change by this descriptor
 * only. NONBLOCK: its O_NONBLOCK, if owned. It has no timeouts, if owned. Any thread.
 */
void ut_fd_opened(int fd, enum ut_fd_kind kind, bool owned, bool nonblock);

/*
 * FD is about to be closed: forget it and wake who waits. Calls under way go on with a duplicate,
 * see ut_fd_wait. Returns what ut_fd_closed wants: called when FD was closed, or could not be. Who
 * meets the descriptor between the two looks again until it is gone, instead of
 * waiting for a file that nobody holds. Any thread, in a critical section.
 */
uint32_t ut_fd_closing(int fd);
void ut_fd_closed(int fd, uint32_t generation);

/*
 * Before and after a wait for FD, which libc opens and closes without a word to us (a resolver's
 * socket): no event of another file that had the number counts, and none of this one is left over
 * for the next. Nothing happens while others wait for it: then it is no such descriptor. Any
 * thread, in a critical section.
 */
void ut_fd_forget_events(int fd);

/* All that wait for FD look again: the kernel reports no event for what has changed. In a critical section. */
void ut_fd_look_again(int fd);

/* FD's open file description is now reachable by another descriptor or process as well. */
void ut_fd_shared(int fd);

/* The flags of FD were changed through it, O_NONBLOCK to NONBLOCK; O_DIRECT is asked for anew. */
void ut_fd_set_nonblocking(int fd, bool nonblock);

/* Is O_NONBLOCK set? From the kernel unless it is known for sure. -errno for a bad descriptor. */
int ut_fd_nonblocking(int fd);

/* What it is; asks the kernel once. UT_FD_UNKNOWN for a bad descriptor. */
enum ut_fd_kind ut_fd_kind(int fd);

/* Timeouts of the program, SO_RCVTIMEO and SO_SNDTIMEO, in ns; UT_FOREVER: none. */
int64_t ut_fd_timeout(int fd, enum ut_fd_direction direction);
void ut_fd_set_timeout(int fd, enum ut_fd_direction direction, int64_t timeout);

/* SO_LINGER in seconds, as far as it was set through FD or what it was accepted from; 0: none. */
int ut_fd_linger(int fd);
void ut_fd_set_linger(int fd, int seconds);

/* What is remembered of calls on FD that could not be tried first (pace.h); NULL: nothing. */
struct ut_pace *ut_fd_pace(int fd);

/* Would a close of FD end the connection, no other descriptor being known for it? */
bool ut_fd_is_sole(int fd);

/* A number above all that were ever used here. */
unsigned ut_fd_table_end(void);

/* In the parent after a fork: all descriptions are shared from now on. */
void ut_fd_fork_parent(void);

/* In a forked child: close our own descriptors, forget all registrations and waiters. */
void ut_fd_forked(void);

#endif
