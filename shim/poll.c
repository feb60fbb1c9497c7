/* SPDX-License-Identifier: MIT */
/*
 * Readiness: poll(2), select(2), epoll_wait(2) and their twins. The answers are always the kernel's
 * own, level-triggered; it is asked only if the runtime's stamps say that the answer may be new. For
 * a single descriptor what it says with the event that ends the wait is the answer.
 * If it is no, that is noted in the stamps, the coroutine queues at all the descriptors, and parks unless
 * an event has come between. Cancellation points; never restarted after a handler, signal(7). No lane
 * state needed.
 */
#include "poll.h"

#include "fd.h"
#include "frames.h"
#include "names.h"
#include "real.h"
#include "signalfd.h"
#include "wait.h"

#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>

enum { FEW = 64 }; /* so many are kept on the coroutine's stack, in its slack */

/* One descriptor that is waited for. */
struct watched {
    struct ut_fd_waiter waiter;
    struct ut_fd_use uses[2]; /* by direction, for those that are waited for */
    bool used[2];
    int fd;
    uint32_t events;
};

/* What a family asks of the descriptors. */
struct question {
    const char *why;
    long (*ask)(struct question *question); /* the kernel's answer now, without waiting */
    void (*each)(struct question *question); /* call add() for each descriptor */
    /* Add to the answer what was directed at SELF; how many more descriptors are ready. */
    int (*directed)(struct question *question, struct ut_coro *self);
    /* Take what CAME with an event for the only descriptor as the answer; 0: it is none. */
    int (*from_event)(struct question *question, uint32_t came);
    unsigned descriptors, added;
    struct watched *watched;
    /* Arguments of the families */
    struct pollfd *fds;
    int highest;
    fd_set *sets[3], *answers[3];
    size_t set_bytes;
    int epoll;
    struct epoll_event *events;
    int most;
    bool answered; /* the kernel has given events */
    bool unwatched; /* one of its descriptors cannot be watched: the kernel waits, see wait_in_kernel */
};

static void add(struct question *question, int fd, uint32_t events)
{
    struct watched *watched = &question->watched[question->added++];
    watched->fd = fd;
    /* Other names of the same two; with no events at all poll waits for the end of the stream. */
    if (events & (EPOLLRDNORM | EPOLLRDBAND))
        events |= EPOLLIN;
    if (events & (EPOLLWRNORM | EPOLLWRBAND))
        events |= EPOLLOUT;
    watched->events = events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLOUT);
    watched->waiter.entry = NULL;
}

/* Take the stamps of all: true if one of them says that the kernel's answer may be new. */
static bool take_stamps(struct question *question)
{
    bool news = false;
    for (unsigned i = 0; i < question->added; i++) {
        struct watched *watched = &question->watched[i];
        for (int direction = 0; direction < 2; direction++) {
            struct ut_fd_use *use = &watched->uses[direction];
            bool wanted = direction == UT_FD_WRITE ? watched->events & EPOLLOUT
                                                   : watched->events != EPOLLOUT;
            watched->used[direction] = wanted && ut_fd_use(use, watched->fd, direction);
            /* No such descriptor: the kernel will say so. */
            news |= watched->used[direction] ? ut_fd_promising(use) : wanted;
        }
    }
    return news;
}

/* The kernel said no to all: no need to ask again before the next event. */
static void note_exhausted(struct question *question)
{
    for (unsigned i = 0; i < question->added; i++)
        for (int direction = 0; direction < 2; direction++)
            if (question->watched[i].used[direction])
                ut_fd_exhausted(&question->watched[i].uses[direction]);
}

/*
 * What the kernel said of the only descriptor when it reported the event: how things stood then,
 * during the wait, not before. A poll() may return that, whoever else has taken something since.
 */
static int answer_of_event(struct question *question, enum ut_wait_outcome outcome)
{
    uint32_t came = question->added == 1 ? question->watched[0].waiter.came : 0;
    if (outcome != UT_WAIT_WOKEN || !came || !question->from_event)
        return 0;
    return question->from_event(question, came);
}

/* Queue at all and park: 0 to look again, the answer, -ETIMEDOUT, or another error. */
static long park(struct ut_coro *self, struct question *question, int64_t deadline)
{
    enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
    int result = 0;
    ut_critical_begin();
    uint64_t ticket = ut_wait_begin(self);
    for (unsigned i = 0; i < question->added && result == 0; i++) {
        struct watched *watched = &question->watched[i];
        result = ut_fd_enqueue(&watched->waiter, watched->fd, watched->events, ticket);
    }
    ut_shake();
    if (result != 0) /* an event has come between, or there is no memory to watch with */
        ut_wait_cancel(self);
    else
        outcome = ut_wait_suspend(self, question->why, deadline);
    for (unsigned i = 0; i < question->added; i++)
        ut_fd_dequeue(&question->watched[i].waiter);
    ut_critical_end();
    question->unwatched = result == -ELOOP || result == -EINVAL;
    if (result < 0) /* what cannot be watched for other reasons is always ready */
        return question->unwatched ? 0 : -ENOMEM;
    if (outcome == UT_WAIT_TIMED_OUT)
        return -ETIMEDOUT;
    return outcome == UT_WAIT_INTERRUPTED ? ut_shim_attend_sleep(self, true)
                                          : answer_of_event(question, outcome);
}

/*
 * Epoll sets nest five deep at most, and one descriptor can be in so many (epoll_ctl(2), ELOOP, EINVAL): ours
 * may be one too many. Then the kernel thread waits: 0 to look again, or an error. Cancelled in glibc's own
 * way, as ut_poll_native.
 */
static long wait_in_kernel(struct ut_coro *self, struct question *question, int64_t deadline)
{
    struct timespec rest, *limit = NULL;
    int type;
    if (question->added > FEW)
        return -ENOMEM;
    struct pollfd fds[question->added];
    for (unsigned i = 0; i < question->added; i++)
        fds[i] = (struct pollfd){question->watched[i].fd, (short)question->watched[i].events, 0};
    if (deadline != UT_FOREVER) {
        rest = ut_shim_left(deadline);
        limit = &rest;
    }
    ut_region_begin(self, question->why, true);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long result = ut_syscall5(SYS_ppoll, fds, question->added, limit, NULL, 0);
    pthread_setcanceltype(type, NULL);
    ut_region_end(self);
    if (result == -EINTR)
        return ut_shim_attend_sleep(self, true);
    return result == 0 ? -ETIMEDOUT : result < 0 ? result : 0;
}

/* Is something pending for SELF that it would read from a signalfd? The kernel does not know of it. */
static bool has_directed(const struct ut_coro *self)
{
    return __builtin_expect(atomic_load_explicit(&ut_signalfd_used, memory_order_relaxed), 0) &&
           atomic_load(&self->pending);
}

/* Ask the kernel. A signal that was only to have us look (a kick, signals.c) is no reason to return. */
static long ask(struct ut_coro *self, struct question *question)
{
    long answer;
    do
        answer = question->ask(question);
    while (answer == -EINTR && !self->handled);
    if (answer >= 0 && has_directed(self))
        answer += question->directed(question, self);
    return answer;
}

static long look_and_park(struct ut_coro *self, struct question *question, int64_t deadline)
{
    long answer = 0;
    while (answer == 0) {
        if (take_stamps(question) || question->unwatched || has_directed(self)) {
            answer = ask(self, question);
            ut_shake();
            if (answer != 0)
                return answer;
            note_exhausted(question);
        }
        ut_shake();
        answer = question->unwatched ? wait_in_kernel(self, question, deadline)
                                     : park(self, question, deadline);
    }
    return answer;
}

/* Memory for the waits of many descriptors; also given back by unwinding and by a jump. */
struct room {
    struct ut_frame frame;
    void *start;
    size_t size;
};

static void leave_room(struct ut_coro *self, struct ut_frame *frame)
{
    struct room *room = (struct room *)frame;
    (void)self;
    ut_syscall2(SYS_munmap, room->start, room->size);
}

static void end_room(struct room *room)
{
    if (!room->frame.leave)
        return;
    ut_frame_end(&room->frame);
    leave_room(room->frame.coro, &room->frame);
}

static bool make_room(struct ut_coro *self, struct room *room, size_t size)
{
    room->start = ut_sys_map(size);
    room->size = size;
    if (room->start)
        ut_frame_enter(self, &room->frame, leave_room);
    return room->start;
}

/* A positive answer, 0 for a time-out, or -errno. A cancellation point came before. */
static long run(struct ut_coro *self, struct question *question, int64_t deadline)
{
    if (self->handled || deadline == 0) { /* handled: a temporary mask let something through */
        long answer = ask(self, question);
        return answer == 0 && self->handled ? -EINTR : answer;
    }
    bool many = question->descriptors > FEW;
    __attribute__((cleanup(end_room))) struct room room = {0};
    struct watched few[many ? 1 : question->descriptors + 1];
    if (many && !make_room(self, &room, question->descriptors * sizeof *question->watched))
        return -ENOMEM;
    question->watched = many ? room.start : few;
    question->added = 0;
    question->each(question);
    bool awaits = atomic_load_explicit(&ut_signalfd_used, memory_order_relaxed);
    atomic_store(&self->awaits_signals, awaits);
    long answer = look_and_park(self, question, deadline);
    atomic_store_explicit(&self->awaits_signals, false, memory_order_relaxed);
    return answer == -ETIMEDOUT ? ask(self, question) : answer;
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
 * With MASK in force meanwhile, for ppoll and friends. As in the kernel (do_poll in fs/select.c, ep_poll in
 * fs/eventpoll.c) a signal that it lets through comes only if nothing is ready at the first look, and with
 * epoll only if the call then waits.
 */
static long run_masked(struct ut_coro *self, struct question *question, int64_t deadline,
                       const sigset_t *mask)
{
    sigset_t before;
    if (!mask)
        return run(self, question, deadline);
    long answer = ask(self, question);
    if (answer != 0 || (deadline == 0 && question->events))
        return answer;
    pthread_sigmask(SIG_SETMASK, mask, &before);
    answer = self->handled ? -EINTR : run(self, question, deadline);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return answer;
}

/* poll */

static long ask_poll(struct question *question)
{
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, question->fds, question->descriptors, &none, NULL, 0);
}

static int directed_of_poll(struct question *question, struct ut_coro *self)
{
    int more = 0;
    for (unsigned i = 0; i < question->descriptors; i++) {
        struct pollfd *one = &question->fds[i];
        if (!(one->events & POLLIN) || (one->revents & POLLIN) || !ut_signalfd_ready(self, one->fd))
            continue;
        more += !one->revents;
        one->revents |= POLLIN;
    }
    return more;
}

static int poll_from_event(struct question *question, uint32_t came)
{
    enum { CAME = POLLIN | POLLPRI | POLLOUT | POLLRDHUP, ALWAYS = POLLERR | POLLHUP };
    struct pollfd *one = question->fds;
    if (question->descriptors != 1 || (one->events & ~(CAME | ALWAYS)))
        return 0; /* others of its events have other names than those that are watched for */
    one->revents = (short)(came & ((uint32_t)one->events | ALWAYS));
    return one->revents != 0;
}

static void each_of_poll(struct question *question)
{
    for (unsigned i = 0; i < question->descriptors; i++)
        if (question->fds[i].fd >= 0) /* negative: ignored. poll's bits are epoll's */
            add(question, question->fds[i].fd, (uint16_t)question->fds[i].events);
}

static long do_poll(struct ut_coro *self, const char *why, struct pollfd *fds, nfds_t count,
                    int64_t deadline, const sigset_t *mask)
{
    struct question question = {
        .why = why, .ask = ask_poll, .each = each_of_poll, .directed = directed_of_poll,
        .from_event = poll_from_event,
        .descriptors = (unsigned)count, .fds = fds,
    };
    return run_masked(self, &question, deadline, mask);
}

UT_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(poll)(fds, count, timeout);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(do_poll(self, "poll", fds, count, milliseconds(timeout), NULL));
}
UT_ALIAS(__poll, poll);

/* A cancellation point in glibc's own way, so that its handler unwinds from the system call. */
int ut_poll_native(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec span = {timeout / 1000, timeout % 1000 * 1000000L};
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long result = ut_syscall5(SYS_ppoll, fds, count, timeout < 0 ? NULL : &span, NULL, 0);
    pthread_setcanceltype(type, NULL);
    return (int)ut_shim_return(result);
}

struct inner {
    struct pollfd *fds;
    nfds_t count;
};

/* Also when a cancellation unwinds; the descriptors are still open then. */
static void forget_events(struct inner *inner)
{
    ut_critical_begin();
    for (nfds_t i = 0; i < inner->count; i++)
        ut_fd_forget_events(inner->fds[i].fd);
    ut_critical_end();
}

int ut_poll_inner(struct pollfd *fds, nfds_t count, int timeout)
{
    struct ut_coro *self = ut_shim_self();
    const char *region = self ? ut_region_open(self) : NULL;
    if (!self || timeout == 0 || (region && !ut_names_park()) ||
        !ut_shim_readable(fds, count * sizeof *fds))
        return ut_poll_native(fds, count, timeout);
    __attribute__((cleanup(forget_events))) struct inner inner = {fds, count};
    forget_events(&inner);
    int result = poll(fds, count, timeout);
    if (region && !ut_region_open(self)) /* it has parked */
        ut_region_begin(self, region, false);
    return result;
}

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
    if (!self || (timeout && (!ut_shim_valid_time(timeout) || timeout->tv_sec < 0)))
        return real(ppoll)(fds, count, timeout, mask);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(do_poll(self, "ppoll", fds, count, relative(timeout), mask));
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

/* The first descriptor from FD on that is in one of the sets, or the end. Most are in none. */
static int next_in_sets(const struct question *question, int fd)
{
    for (; fd < question->highest; fd++) {
        unsigned char rest = 0;
        for (int i = 0; i < 3; i++)
            if (question->sets[i])
                rest |= ((const unsigned char *)question->sets[i])[fd / 8];
        rest >>= fd % 8;
        if (rest & 1)
            return fd;
        if (!rest)
            fd |= 7;
    }
    return question->highest;
}

/* Linux: fs/select.c, POLLIN_SET and its kind. */
static int select_from_event(struct question *question, uint32_t came)
{
    static const uint32_t meaning[3] = {EPOLLIN | EPOLLHUP | EPOLLERR, EPOLLOUT | EPOLLERR, EPOLLPRI};
    int fd = question->watched[0].fd, answer = 0;
    for (int i = 0; i < 3; i++) {
        if (!question->sets[i])
            continue;
        memset(question->answers[i], 0, question->set_bytes);
        if (!in_set(question->sets[i], fd) || !(came & meaning[i]))
            continue;
        ((unsigned char *)question->answers[i])[fd / 8] = (unsigned char)(1 << fd % 8);
        answer++;
    }
    return answer;
}

static int directed_of_select(struct question *question, struct ut_coro *self)
{
    int more = 0;
    for (int fd = 0; fd < question->highest; fd++)
        if (in_set(question->sets[0], fd) && !in_set(question->answers[0], fd) &&
            ut_signalfd_ready(self, fd)) {
            ((unsigned char *)question->answers[0])[fd / 8] |= (unsigned char)(1 << fd % 8);
            more++;
        }
    return more;
}

static void each_of_select(struct question *question)
{
    for (int fd = next_in_sets(question, 0); fd < question->highest;
         fd = next_in_sets(question, fd + 1)) {
        uint32_t events = (in_set(question->sets[0], fd) ? EPOLLIN : 0) |
                          (in_set(question->sets[1], fd) ? EPOLLOUT : 0) |
                          (in_set(question->sets[2], fd) ? EPOLLPRI : 0);
        add(question, fd, events);
    }
}

static long do_select(struct ut_coro *self, const char *why, int highest, fd_set *reads,
                      fd_set *writes, fd_set *exceptions, int64_t deadline, const sigset_t *mask)
{
    if (highest < 0 || highest > 1024 * 1024)
        return -EINVAL;
    size_t bytes = ((size_t)highest + 63) / 64 * 8;
    if (!ut_shim_readable(reads, bytes) || !ut_shim_readable(writes, bytes) ||
        !ut_shim_readable(exceptions, bytes))
        return -EFAULT;
    unsigned char copies[6][bytes + 1]; /* of the questions and of the answers */
    struct question question = {
        .why = why, .ask = ask_select, .each = each_of_select, .directed = directed_of_select,
        .from_event = select_from_event,
        .highest = highest, .set_bytes = bytes,
    };
    fd_set *sets[3] = {reads, writes, exceptions};
    for (int i = 0; i < 3; i++)
        if (sets[i]) {
            memcpy(copies[i], sets[i], bytes);
            question.sets[i] = (fd_set *)(void *)copies[i];
            question.answers[i] = (fd_set *)(void *)copies[i + 3];
        }
    for (int fd = next_in_sets(&question, 0); fd < highest; fd = next_in_sets(&question, fd + 1))
        question.descriptors++;
    long result = run_masked(self, &question, deadline, mask);
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
    ut_shim_cancellation_point(self);
    struct timespec span = {0};
    if (timeout) {
        span.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
        span.tv_nsec = timeout->tv_usec % 1000000 * 1000;
    }
    int64_t deadline = relative(timeout ? &span : NULL);
    long result = do_select(self, "select", count, reads, writes, exceptions, deadline, NULL);
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
    if (!self || (timeout && (!ut_shim_valid_time(timeout) || timeout->tv_sec < 0)))
        return real(pselect)(count, reads, writes, exceptions, timeout, mask);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(
        do_select(self, "pselect", count, reads, writes, exceptions, relative(timeout), mask));
}

/* epoll: its descriptor is itself readable when something in the set is. */

static long ask_epoll(struct question *question)
{
    long answer = ut_syscall6(SYS_epoll_pwait, question->epoll, (long)question->events,
                              question->most, 0, 0, 0);
    question->answered = answer > 0;
    return answer;
}

static int directed_of_epoll(struct question *question, struct ut_coro *self)
{
    return question->answered ? 0 : ut_signalfd_in_epoll(self, question->epoll, question->events);
}

static void each_of_epoll(struct question *question)
{
    add(question, question->epoll, EPOLLIN);
}

static long do_epoll(struct ut_coro *self, const char *why, int epoll, struct epoll_event *events,
                     int most, int64_t deadline, const sigset_t *mask)
{
    struct question question = {
        .why = why, .ask = ask_epoll, .each = each_of_epoll, .directed = directed_of_epoll,
        .descriptors = 1, .epoll = epoll, .events = events, .most = most,
    };
    return run_masked(self, &question, deadline, mask);
}

UT_EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || timeout == 0)
        return real(epoll_wait)(epoll, events, most, timeout);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(
        do_epoll(self, "epoll_wait", epoll, events, most, milliseconds(timeout), NULL));
}

UT_EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
                          const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(epoll_pwait)(epoll, events, most, timeout, mask);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(
        do_epoll(self, "epoll_pwait", epoll, events, most, milliseconds(timeout), mask));
}

UT_EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int most,
                           const struct timespec *timeout, const sigset_t *mask)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (timeout && !ut_shim_valid_time(timeout)))
        return real(epoll_pwait2)(epoll, events, most, timeout, mask);
    ut_shim_cancellation_point(self);
    return (int)ut_shim_return(
        do_epoll(self, "epoll_pwait2", epoll, events, most, relative(timeout), mask));
}
