/* SPDX-License-Identifier: MIT */
/*
 * Readiness: poll(2), select(2), epoll_wait(2) and their twins. Each asks the kernel without
 * waiting; if nothing is ready the coroutine queues at all the descriptors, asks once
 * more (an event may have come between), and parks. So the answers are always the kernel's own, level-triggered.
 * Cancellation points; never restarted after a handler, signal(7). No lane state needed.
 */
#include "fd.h"
#include "real.h"
#include "wait.h"

#include <string.h>
#include <sys/epoll.h>

enum { ON_STACK = 16 };

/* One wait on several descriptors. */
struct watch {
    unsigned count, queued;
    bool unwatchable; /* one of them cannot be watched */
    struct ut_fd_waiter *waiters;
    struct ut_fd_waiter few[ON_STACK];
};

/* What a family asks of the descriptors. */
struct question {
    const char *why;
    long (*ask)(struct question *question); /* the kernel's answer now, without waiting */
    /* Call ut_fd_enqueue by add() for each descriptor. */
    void (*each)(struct question *question, struct watch *watch, uint64_t ticket);
    unsigned descriptors;
    /* Arguments of the families */
    struct pollfd *fds;
    int highest;
    fd_set *sets[3], *answers[3];
    size_t set_bytes;
    int epoll;
    struct epoll_event *events;
    int most;
};

static void add(struct watch *watch, int fd, uint32_t events, uint64_t ticket)
{
    struct ut_fd_waiter *waiter = &watch->waiters[watch->queued];
    waiter->entry = NULL;
    waiter->link = NULL;
    if (ut_fd_enqueue(waiter, fd, events, ticket) < 0)
        watch->unwatchable = true;
    watch->queued++;
}

static bool open_watch(struct watch *watch, unsigned count)
{
    *watch = (struct watch){.count = count};
    watch->waiters = count <= ON_STACK ? watch->few : ut_sys_map(count * sizeof *watch->waiters);
    return watch->waiters;
}

static void close_watch(struct watch *watch)
{
    for (unsigned i = 0; i < watch->queued; i++)
        ut_fd_dequeue(&watch->waiters[i]);
    if (watch->count > ON_STACK)
        ut_syscall2(SYS_munmap, watch->waiters, watch->count * sizeof *watch->waiters);
}

/* One round: the answer if there is one, 0 to ask again, -errno. */
static long wait_once(struct ut_coro *self, struct question *question, int64_t deadline)
{
    struct watch watch;
    if (!open_watch(&watch, question->descriptors))
        return -ENOMEM;
    ut_critical_begin();
    uint64_t ticket = ut_wait_begin(self);
    question->each(question, &watch, ticket);
    long answer = question->ask(question);
    enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
    if (answer == 0 && watch.unwatchable)
        answer = -ENOMEM; /* what cannot be watched is always ready, but for want of memory */
    if (answer != 0)
        ut_wait_cancel(self);
    else
        outcome = ut_wait_suspend(self, question->why, deadline);
    close_watch(&watch);
    ut_critical_end();
    if (answer != 0)
        return answer;
    if (outcome == UT_WAIT_TIMED_OUT)
        return -ETIMEDOUT;
    return outcome == UT_WAIT_INTERRUPTED ? ut_shim_attend_sleep(self) : 0;
}

/* A positive answer, 0 for a time-out, or -errno. */
static long run(struct ut_coro *self, struct question *question, int64_t deadline)
{
    long answer = question->ask(question);
    if (answer == 0 && self->handled) /* by the temporary mask: something was pending */
        return -EINTR;
    while (answer == 0 && deadline != 0) {
        answer = wait_once(self, question, deadline);
        if (answer == 0)
            answer = question->ask(question);
    }
    return answer == -ETIMEDOUT ? question->ask(question) : answer;
}

/* A timeout in ms, poll's way, as a deadline; 0: do not wait. */
static int64_t milliseconds(int timeout)
{
    return timeout < 0    ? UT_FOREVER
           : timeout == 0 ? 0
                          : ut_clock_now() + timeout * UT_MILLISECOND;
}

static int64_t relative(const struct timespec *timeout)
{
    return timeout && !timeout->tv_sec && !timeout->tv_nsec ? 0 : ut_shim_timeout(timeout);
}

/*
 * All begin with this. MASK, of ppoll and friends, is in force until finish_masked; what it lets
 * through at once sets self->handled.
 */
static void begin(struct ut_coro *self, const sigset_t *mask, sigset_t *before)
{
    ut_shim_cancellation_point(self);
    if (mask)
        pthread_sigmask(SIG_SETMASK, mask, before);
}

static long finish_masked(const sigset_t *mask, const sigset_t *before, long result)
{
    if (mask)
        pthread_sigmask(SIG_SETMASK, before, NULL);
    return ut_shim_return(result);
}

/* poll */

static long ask_poll(struct question *question)
{
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, question->fds, question->descriptors, &none, NULL, 0);
}

static void each_of_poll(struct question *question, struct watch *watch, uint64_t ticket)
{
    for (unsigned i = 0; i < question->descriptors; i++)
        if (question->fds[i].fd >= 0) /* negative: ignored. poll's bits are epoll's */
            add(watch, question->fds[i].fd, (uint16_t)question->fds[i].events, ticket);
}

static long do_poll(struct ut_coro *self, const char *why, struct pollfd *fds, nfds_t count,
                    int64_t deadline)
{
    struct question question = {
        .why = why, .ask = ask_poll, .each = each_of_poll, .descriptors = (unsigned)count,
        .fds = fds,
    };
    return run(self, &question, deadline);
}

UT_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || timeout == 0)
        return real(poll)(fds, count, timeout);
    begin(self, NULL, NULL);
    return (int)ut_shim_return(do_poll(self, "poll", fds, count, milliseconds(timeout)));
}
UT_ALIAS(__poll, poll);

UT_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof *fds < count)
        return real(__poll_chk)(fds, count, timeout, size); /* says so and aborts */
    return poll(fds, count, timeout);
}

UT_EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                    const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    sigset_t before;
    if (!self || (timeout && (!ut_shim_valid_time(timeout) || timeout->tv_sec < 0)))
        return real(ppoll)(fds, count, timeout, mask);
    begin(self, mask, &before);
    return (int)finish_masked(mask, &before, do_poll(self, "ppoll", fds, count, relative(timeout)));
}

UT_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                          const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count)
        return real(__ppoll_chk)(fds, count, timeout, mask, size);
    return ppoll(fds, count, timeout, mask);
}

/* select. The kernel writes its answer over the question, so it gets a copy each time. */

static long ask_select(struct question *question)
{
    struct timespec none = {0};
    fd_set *copies[3];
    for (int i = 0; i < 3; i++) {
        copies[i] = question->sets[i] ? question->answers[i] : NULL;
        if (copies[i])
            memcpy(copies[i], question->sets[i], question->set_bytes);
    }
    return ut_syscall6(SYS_pselect6, question->highest, (long)copies[0], (long)copies[1],
                       (long)copies[2], (long)&none, 0);
}

static bool in_set(const fd_set *set, int fd)
{
    return set && (((const unsigned char *)set)[fd / 8] & (1 << fd % 8));
}

static void each_of_select(struct question *question, struct watch *watch, uint64_t ticket)
{
    for (int fd = 0; fd < question->highest; fd++) {
        uint32_t events = (in_set(question->sets[0], fd) ? EPOLLIN : 0) |
                          (in_set(question->sets[1], fd) ? EPOLLOUT : 0) |
                          (in_set(question->sets[2], fd) ? EPOLLPRI : 0);
        if (events)
            add(watch, fd, events, ticket);
    }
}

static long do_select(struct ut_coro *self, const char *why, int highest, fd_set *reads,
                      fd_set *writes, fd_set *exceptions, int64_t deadline)
{
    if (highest < 0 || highest > 1024 * 1024)
        return -EINVAL;
    size_t bytes = ((size_t)highest + 63) / 64 * 8;
    if (!ut_shim_readable(reads, bytes) || !ut_shim_readable(writes, bytes) ||
        !ut_shim_readable(exceptions, bytes))
        return -EFAULT;
    unsigned char copies[6][bytes + 1]; /* of the questions and of the answers */
    struct question question = {
        .why = why, .ask = ask_select, .each = each_of_select, .highest = highest,
        .set_bytes = bytes,
    };
    fd_set *sets[3] = {reads, writes, exceptions};
    for (int i = 0; i < 3; i++)
        if (sets[i]) {
            memcpy(copies[i], sets[i], bytes);
            question.sets[i] = (fd_set *)(void *)copies[i];
            question.answers[i] = (fd_set *)(void *)copies[i + 3];
        }
    for (int fd = 0; fd < highest; fd++)
        question.descriptors += in_set(question.sets[0], fd) || in_set(question.sets[1], fd) ||
                                in_set(question.sets[2], fd);
    long result = run(self, &question, deadline);
    for (int i = 0; i < 3 && result >= 0; i++)
        if (sets[i])
            memcpy(sets[i], question.answers[i], bytes);
    return result;
}

UT_EXPORT int select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions,
                     struct timeval *timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
        return real(select)(count, reads, writes, exceptions, timeout);
    begin(self, NULL, NULL);
    struct timespec span = {0};
    if (timeout) {
        span.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
        span.tv_nsec = timeout->tv_usec % 1000000 * 1000;
    }
    int64_t deadline = relative(timeout ? &span : NULL);
    long result = do_select(self, "select", count, reads, writes, exceptions, deadline);
    if (timeout) { /* Linux: what is left of it, select(2) */
        int64_t left = deadline ? deadline - ut_clock_now() : 0;
        left = left < 0 ? 0 : left;
        timeout->tv_sec = left / UT_SECOND;
        timeout->tv_usec = left % UT_SECOND / UT_MICROSECOND;
    }
    return (int)ut_shim_return(result);
}
UT_ALIAS(__select, select);

UT_EXPORT int pselect(int count, fd_set *reads, fd_set *writes, fd_set *exceptions,
                      const struct timespec *timeout, const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    sigset_t before;
    if (!self || (timeout && (!ut_shim_valid_time(timeout) || timeout->tv_sec < 0)))
        return real(pselect)(count, reads, writes, exceptions, timeout, mask);
    begin(self, mask, &before);
    return (int)finish_masked(mask, &before, do_select(self, "pselect", count, reads, writes,
                                                       exceptions, relative(timeout)));
}

/* epoll: its descriptor is itself readable when something in the set is. */

static long ask_epoll(struct question *question)
{
    return ut_syscall6(SYS_epoll_pwait, question->epoll, (long)question->events, question->most, 0,
                       0, 0);
}

static void each_of_epoll(struct question *question, struct watch *watch, uint64_t ticket)
{
    add(watch, question->epoll, EPOLLIN, ticket);
}

static long do_epoll(struct ut_coro *self, const char *why, int epoll, struct epoll_event *events,
                     int most, int64_t deadline)
{
    struct question question = {
        .why = why, .ask = ask_epoll, .each = each_of_epoll, .descriptors = 1, .epoll = epoll,
        .events = events, .most = most,
    };
    return run(self, &question, deadline);
}

UT_EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || timeout == 0)
        return real(epoll_wait)(epoll, events, most, timeout);
    begin(self, NULL, NULL);
    return (int)ut_shim_return(
        do_epoll(self, "epoll_wait", epoll, events, most, milliseconds(timeout)));
}

UT_EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
                          const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    sigset_t before;
    if (!self)
        return real(epoll_pwait)(epoll, events, most, timeout, mask);
    begin(self, mask, &before);
    return (int)finish_masked(mask, &before, do_epoll(self, "epoll_pwait", epoll, events, most,
                                                      milliseconds(timeout)));
}

UT_EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int most,
                           const struct timespec *timeout, const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    sigset_t before;
    if (!self || (timeout && !ut_shim_valid_time(timeout)))
        return real(epoll_pwait2)(epoll, events, most, timeout, mask);
    begin(self, mask, &before);
    return (int)finish_masked(
        mask, &before, do_epoll(self, "epoll_pwait2", epoll, events, most, relative(timeout)));
}
