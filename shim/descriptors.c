/* SPDX-License-Identifier: MIT */
/*
 * Descriptors come and go: pipe(2), dup(2), close(2), close_range(2), fcntl(2), ioctl(2). All are
 * forwarded; the runtime's table learns of it. Any thread, with or without a lane. The runtime's
 * own descriptors do not exist as far as the program can tell.
 */
#include "descriptors.h"

#include "fd.h"
#include "io.h"
#include "ours.h"
#include "real.h"
#include "signalfd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

/* FD is new if it is one; a result for the caller. */
static int opened(int fd, enum ut_fd_kind kind, bool owned, bool nonblock)
{
    if (fd < 0 || !ut_shim_started())
        return fd;
    ut_critical_begin();
    ut_fd_opened(fd, kind, owned, nonblock);
    ut_critical_end();
    return fd;
}

int ut_descriptors_opened(int fd)
{
    int saved = errno;
    opened(fd, UT_FD_UNKNOWN, false, false);
    errno = saved;
    return fd;
}

static struct ut_closing closing(int fd)
{
    struct ut_closing closing = {.fd = -1};
    if (!ut_shim_started())
        return closing;
    closing.fd = fd;
    ut_critical_begin();
    closing.generation = ut_fd_closing(fd);
    ut_critical_end();
    return closing;
}

/* Also when a cancellation unwinds. */
void ut_descriptors_closed(struct ut_closing *closing)
{
    if (closing->fd < 0)
        return;
    ut_critical_begin();
    ut_fd_closed(closing->fd, closing->generation);
    ut_critical_end();
}

UT_EXPORT int pipe2(int fds[2], int flags)
{
    int result = real(pipe2)(fds, flags);
    if (result == 0) {
        opened(fds[0], UT_FD_PIPE, true, flags & O_NONBLOCK);
        opened(fds[1], UT_FD_PIPE, true, flags & O_NONBLOCK);
    }
    return result;
}

UT_EXPORT int pipe(int fds[2])
{
    return pipe2(fds, 0);
}
UT_ALIAS(__pipe, pipe);

UT_EXPORT int eventfd(unsigned value, int flags)
{
    return opened(real(eventfd)(value, flags), UT_FD_POLLABLE, true, flags & EFD_NONBLOCK);
}

UT_EXPORT int timerfd_create(clockid_t clock, int flags)
{
    return opened(real(timerfd_create)(clock, flags), UT_FD_POLLABLE, true, flags & TFD_NONBLOCK);
}

UT_EXPORT int signalfd(int fd, const sigset_t *mask, int flags)
{
    int result = real(signalfd)(fd, mask, flags);
    atomic_store_explicit(&ut_signalfd_used, true, memory_order_relaxed);
    return fd < 0 ? opened(result, UT_FD_SIGNALS, true, flags & SFD_NONBLOCK) : result;
}

UT_EXPORT int inotify_init1(int flags)
{
    return opened(real(inotify_init1)(flags), UT_FD_POLLABLE, true, flags & IN_NONBLOCK);
}

UT_EXPORT int inotify_init(void)
{
    return inotify_init1(0);
}

UT_EXPORT int epoll_create1(int flags)
{
    return opened(real(epoll_create1)(flags), UT_FD_POLLABLE, true, false);
}

UT_EXPORT int epoll_create(int size)
{
    return opened(real(epoll_create)(size), UT_FD_POLLABLE, true, false);
}

/* Closing. First the waiters are woken and the number is forgotten, then it may be used again. */

/* Has the other side acknowledged our end of the stream? */
static long attempt_linger(struct ut_io *io)
{
    struct tcp_info info;
    socklen_t size = sizeof info.tcpi_state;
    long result = ut_syscall5(SYS_getsockopt, io->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return result == 0 && (info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_CLOSING ||
                           info.tcpi_state == TCP_LAST_ACK)
               ? -EAGAIN
               : 0;
}

/*
 * With SO_LINGER close waits, in the kernel, for what was sent to be acknowledged: so we send the
 * end of the stream, wait for its acknowledgement ourselves, and then close without lingering. What
 * was not read makes close reset the connection, without waiting.
 */
static void linger(struct ut_coro *self, int fd, int seconds)
{
    struct linger off = {0};
    int unread = 0;
    struct ut_io io = {
        .fd = fd,
        .direction = UT_FD_WRITE,
        .why = "close",
        .attempt = attempt_linger,
        .deadline = ut_clock_now() + seconds * UT_SECOND,
    };
    if (ut_syscall3(SYS_ioctl, fd, FIONREAD, &unread) < 0 || unread ||
        ut_syscall2(SYS_shutdown, fd, SHUT_WR) < 0)
        return;
    ut_io_run(self, &io);
    ut_syscall5(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

struct ut_closing ut_descriptors_closing(struct ut_coro *self, int fd)
{
    int seconds = self ? ut_fd_linger(fd) : 0;
    if (__builtin_expect(seconds > 0, 0) && ut_fd_is_sole(fd) && ut_fd_nonblocking(fd) == 0)
        linger(self, fd, seconds);
    return closing(fd);
}

UT_EXPORT int close(int fd)
{
    if (__builtin_expect(ut_ours_has(fd), 0) && !ut_tls.critical) {
        errno = EBADF;
        return -1;
    }
    __attribute__((cleanup(ut_descriptors_closed), unused)) struct ut_closing closing =
        ut_descriptors_closing(ut_shim_self(), fd);
    return real(close)(fd);
}
UT_ALIAS(__close, close);

/* Close [FIRST, LAST] piecewise around the runtime's own descriptors. */
static int close_around_ours(unsigned first, unsigned last, int flags)
{
    int result = 0;
    while (first <= last && result == 0) {
        int ours = ut_ours_next(first);
        unsigned end = ours < 0 || (unsigned)ours > last ? last : (unsigned)ours - 1;
        if (first <= end && (ours < 0 || first != (unsigned)ours))
            result = (int)ut_syscall3(SYS_close_range, first, end, flags);
        if (end == last)
            break;
        first = (unsigned)ours + 1;
    }
    return result;
}

UT_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (!ut_shim_started() || first > last)
        return real(close_range)(first, last, flags);
    unsigned end = ut_fd_table_end();
    if (!(flags & CLOSE_RANGE_CLOEXEC))
        for (unsigned fd = first; fd <= last && fd < end; fd++)
            if (!ut_ours_has((int)fd)) {
                struct ut_closing one = closing((int)fd);
                ut_descriptors_closed(&one); /* a moment early: there may be thousands */
            }
    return (int)ut_shim_return(close_around_ours(first, last, flags));
}

UT_EXPORT void closefrom(int lowest)
{
    if (!ut_shim_started()) {
        real(closefrom)(lowest);
        return;
    }
    unsigned first = lowest < 0 ? 0 : (unsigned)lowest;
    if (close_range(first, UINT_MAX, 0) == 0)
        return;
    /* No close_range before Linux 5.9: one by one, as far as the limit goes. */
    for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
        close((int)fd);
}

/* Duplicates share an open file description: neither knows its flags for sure any more. */

static int duplicated(int from, int to)
{
    if (to >= 0 && ut_shim_started()) {
        enum ut_fd_kind kind = ut_fd_kind(from);
        ut_fd_shared(from);
        opened(to, kind, false, false);
    }
    return to;
}

UT_EXPORT int dup(int fd)
{
    return duplicated(fd, real(dup)(fd));
}

UT_EXPORT int dup3(int from, int to, int flags)
{
    if (ut_ours_has(from)) {
        errno = EBADF;
        return -1;
    }
    if (ut_ours_has(to)) { /* within the limit, but in use: dup2(2) knows EBUSY */
        errno = EBUSY;
        return -1;
    }
    __attribute__((cleanup(ut_descriptors_closed))) struct ut_closing replaced = {.fd = -1};
    if (from != to && ut_shim_started() && ut_syscall2(SYS_fcntl, from, F_GETFD) >= 0)
        replaced = closing(to);
    int result = flags < 0 ? real(dup2)(from, to) : real(dup3)(from, to, flags);
    return from == to ? result : duplicated(from, result);
}

UT_EXPORT int dup2(int from, int to)
{
    return dup3(from, to, -1); /* same numbers: no error, unlike dup3 */
}
UT_ALIAS(__dup2, dup2);

/* Flags */

static int lock_by_fcntl(struct ut_coro *self, int fd, int command, void *argument)
{
    int attempt = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
    ut_shim_cancellation_point(self);
    int saved = errno;
    int result = real(fcntl)(fd, attempt, argument);
    if (result == 0 || (errno != EAGAIN && errno != EACCES))
        return result;
    errno = saved;
    return UT_REGION("fcntl(F_SETLKW)", true, real(fcntl)(fd, command, argument));
}

UT_EXPORT int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *); /* long or pointer: passed alike */
    va_end(arguments);
    struct ut_coro *self = ut_shim_self();
    if (self && (command == F_SETLKW || command == F_OFD_SETLKW))
        return lock_by_fcntl(self, fd, command, argument);
    int result = real(fcntl)(fd, command, argument);
    if (result < 0)
        return result;
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return duplicated(fd, result);
    if (command == F_SETFL)
        ut_fd_set_nonblocking(fd, (intptr_t)argument & O_NONBLOCK);
    return result;
}
UT_ALIAS(fcntl64, fcntl);
UT_ALIAS(__fcntl, fcntl);

UT_EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int result = real(ioctl)(fd, request, argument);
    if (result == 0 && request == FIONBIO && argument)
        ut_fd_set_nonblocking(fd, *(int *)argument);
    return result;
}
