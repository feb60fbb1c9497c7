/* SPDX-License-Identifier: MIT */
/*
 * A lane's reactor: a libuv loop in which an edge-triggered epoll set of its own is nested. The
 * set holds the descriptors that coroutines wait for, each registered once; libuv watches the
 * set as one descriptor, and wakes the loop from outside. (Registering every descriptor with
 * libuv itself costs more than a kernel thread's context switch.) The only room that calls uv_*.
 */
#ifndef UT_REACTOR_H
#define UT_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

struct ut_reactor;

/* NULL if memory or descriptors ran out. Native thread, at start. */
struct ut_reactor *ut_reactor_create(void);

/* Dispatch the events that are there. The lane's owner, on its own stack. */
void ut_reactor_poll(struct ut_reactor *reactor);

/*
 * Counts the rounds of ut_reactor_poll: odd while one is taking events from the kernel and dispatching
 * them, never 0 then. Read after something was asked of the kernel, it tells of an event that comes
 * with another round that the kernel reported it after that. Any thread.
 */
uint32_t ut_reactor_round(const struct ut_reactor *reactor);

/* Sleep until there are events, a poke, or DEADLINE; dispatch. The lane's owner, on its own stack. */
void ut_reactor_wait(struct ut_reactor *reactor, int64_t deadline);

/* End ut_reactor_wait, or the next one. Any context, also in a handler; one system call. */
void ut_reactor_poke(struct ut_reactor *reactor);

/* Are there events to dispatch? Any thread. */
bool ut_reactor_has_events(struct ut_reactor *reactor);

/*
 * Watch FD for everything, edge-triggered; DATA comes back with its events. Registered already
 * (a duplicate of the same open file) counts as new: readiness is reported afresh. 0 or -errno;
 * -EPERM: this kind of file cannot be watched, it never blocks for long. Any thread.
 */
int ut_reactor_watch(struct ut_reactor *reactor, int fd, uint64_t data);
void ut_reactor_forget(struct ut_reactor *reactor, int fd);

#endif
