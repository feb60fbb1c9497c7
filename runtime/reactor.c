/* SPDX-License-Identifier: MIT */
#include "reactor.h"

#include "clock.h"
#include "fd.h"
#include "ours.h"
#include "sched.h"
#include "shake.h"
#include "sys.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <uv.h>

/*
 * As many as run until the next look. More would wait in the run queue, where until their turn
 * other data takes their place in the caches, or overflow it; in the kernel's list they wait as
 * well.
 */
enum { BATCH = UT_POLL_EVERY };

#define EVERYTHING (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET)
#define TIMER_DATA UINT64_MAX
#define UNKNOWN INT64_C(-1)

struct ut_reactor {
    uv_loop_t loop;
    uv_poll_t set_watcher;
    uv_poll_t poke_watcher;
    int poke;               /* an eventfd */
    int set;                /* the nested epoll set */
    int timer;              /* in the set: libuv's timers count whole milliseconds */
    int64_t armed;          /* what the timer is set to, or UNKNOWN once it has fired; owner only */
    _Atomic uint32_t round; /* see ut_reactor_round; changed by the owner only */
};

static void on_set_ready(uv_poll_t *watcher, int status, int events)
{
    (void)status;
    (void)events;
    ut_reactor_poll(watcher->data);
}

/* The wake-up itself is all that is wanted. */
static void on_poke(uv_poll_t *watcher, int status, int events)
{
    uint64_t pokes;
    (void)status;
    (void)events;
    ut_syscall3(SYS_read, ((struct ut_reactor *)watcher->data)->poke, &pokes, sizeof pokes);
}

static int open_set(struct ut_reactor *reactor)
{
    reactor->set = ut_ours_keep((int)ut_syscall1(SYS_epoll_create1, EPOLL_CLOEXEC));
    if (reactor->set < 0)
        return reactor->set;
    reactor->timer = ut_ours_keep(
        (int)ut_syscall2(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (reactor->timer < 0)
        return reactor->timer;
    reactor->armed = UT_FOREVER;
    return ut_reactor_watch(reactor, reactor->timer, TIMER_DATA);
}

/*
 * Not by uv_async_send(3): its receiver spins until the sender's system call has returned, which
 * wakes the receiver first; and a sender that a handler or a cancellation stopped half-way would have
 * it spin for ever.
 */
static int open_poke(struct ut_reactor *reactor)
{
    reactor->poke = ut_ours_keep((int)ut_syscall2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK));
    return reactor->poke;
}

static bool watch_by_loop(struct ut_reactor *reactor, uv_poll_t *watcher, int fd, uv_poll_cb call)
{
    watcher->data = reactor;
    return uv_poll_init(&reactor->loop, watcher, fd) == 0 &&
           uv_poll_start(watcher, UV_READABLE, call) == 0;
}

struct ut_reactor *ut_reactor_create(void)
{
    struct ut_reactor *reactor = ut_sys_map(sizeof *reactor);
    if (!reactor || open_set(reactor) < 0 || open_poke(reactor) < 0 ||
        uv_loop_init(&reactor->loop) < 0 ||
        !watch_by_loop(reactor, &reactor->poke_watcher, reactor->poke, on_poke) ||
        !watch_by_loop(reactor, &reactor->set_watcher, reactor->set, on_set_ready))
        return NULL;
    /* libuv aborts if it cannot add the set to its own, which it does late: not after others were nested in it. */
    uv_run(&reactor->loop, UV_RUN_NOWAIT);
    return reactor;
}

void ut_reactor_poll(struct ut_reactor *reactor)
{
    struct epoll_event events[BATCH];
    uint32_t round = atomic_fetch_add(&reactor->round, 1) + 1; /* first: see ut_reactor_round */
    long count = ut_syscall6(SYS_epoll_pwait, reactor->set, (long)events, BATCH, 0, 0, 0);
    ut_shake();
    ut_fd_expect(events, count);
    for (long i = 0; i < count; i++)
        if (events[i].data.u64 == TIMER_DATA)
            reactor->armed = UNKNOWN; /* timers themselves are looked at after every wait */
        else
            ut_fd_event(events[i].data.u64, events[i].events, round);
    atomic_store_explicit(&reactor->round, round + 1, memory_order_release);
}

uint32_t ut_reactor_round(const struct ut_reactor *reactor)
{
    return atomic_load(&reactor->round);
}

static void set_timer(struct ut_reactor *reactor, int64_t deadline)
{
    if (deadline < 1) /* long past; zero would mean none */
        deadline = 1;
    if (deadline == reactor->armed)
        return;
    struct itimerspec when = {0};
    if (deadline != UT_FOREVER) {
        when.it_value.tv_sec = deadline / UT_SECOND;
        when.it_value.tv_nsec = deadline % UT_SECOND;
    }
    reactor->armed = deadline;
    ut_syscall4(SYS_timerfd_settime, reactor->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void ut_reactor_wait(struct ut_reactor *reactor, int64_t deadline)
{
    set_timer(reactor, deadline);
    uv_run(&reactor->loop, UV_RUN_ONCE);
}

void ut_reactor_poke(struct ut_reactor *reactor)
{
    uint64_t one = 1;
    ut_syscall3(SYS_write, reactor->poke, &one, sizeof one);
}

bool ut_reactor_has_events(struct ut_reactor *reactor)
{
    struct pollfd set = {.fd = reactor->set, .events = POLLIN};
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, &set, 1, &none, NULL, 0) > 0;
}

int ut_reactor_watch(struct ut_reactor *reactor, int fd, uint64_t data)
{
    struct epoll_event event = {.events = EVERYTHING, .data.u64 = data};
    long result;
    do { /* the number may get another meaning between the two: then MOD does not find it */
        result = ut_syscall4(SYS_epoll_ctl, reactor->set, EPOLL_CTL_ADD, fd, &event);
        if (result == -EEXIST)
            result = ut_syscall4(SYS_epoll_ctl, reactor->set, EPOLL_CTL_MOD, fd, &event);
    } while (result == -ENOENT);
    return (int)result;
}

void ut_reactor_forget(struct ut_reactor *reactor, int fd)
{
    struct epoll_event unused = {0};
    ut_syscall4(SYS_epoll_ctl, reactor->set, EPOLL_CTL_DEL, fd, &unused);
}
