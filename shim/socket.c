/* SPDX-License-Identifier: MIT */
/*
 * Sockets: accept(2), connect(2), recv(2), send(2) and their families. Attempts are made with
 * MSG_DONTWAIT, which concerns one call only: O_NONBLOCK would be seen by whoever shares the socket.
 * glibc: sysdeps/unix/sysv/linux. No lane state needed; all are cancellation points.
 */
#include "io.h"
#include "real.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

/* The program does not want to wait, or the kernel waits for none of that: tcp(7) for urgent data. */
static bool never_waits(int flags)
{
    return flags & (MSG_DONTWAIT | MSG_ERRQUEUE);
}

static bool never_waits_to_receive(int flags)
{
    return never_waits(flags) || (flags & MSG_OOB);
}

/*
 * A call that would not wait says that nothing is there: a poll() that follows need not ask again. USE
 * was taken before it. RESULT passes through.
 */
static ssize_t note_emptiness(const struct ut_fd_use *use, int flags, ssize_t result)
{
    if (result < 0 && errno == EAGAIN && !(flags & (MSG_OOB | MSG_ERRQUEUE)))
        ut_fd_exhausted(use);
    return result;
}

/* Receiving */

static long attempt_recv(struct ut_io *io)
{
    return ut_syscall6(SYS_recvfrom, io->fd, (long)io->buffer + (long)io->done,
                       (long)(io->wanted - io->done), io->flags | MSG_DONTWAIT, (long)io->address,
                       (long)io->address_length);
}

static ssize_t receive(struct ut_coro *self, const char *why, int fd, void *buffer, size_t count,
                       int flags, struct sockaddr *address, socklen_t *length)
{
    struct ut_io io = {
        .fd = fd, .direction = UT_FD_READ, .why = why, .wanted = count, .attempt = attempt_recv,
        .buffer = buffer, .flags = flags, .address = address, .address_length = length,
    };
    /* A stream's MSG_WAITALL is ours to honour; a peek would see the same bytes again. */
    if ((flags & MSG_WAITALL) && !(flags & MSG_PEEK) && ut_fd_kind(fd) == UT_FD_STREAM)
        io.everything = true;
    return ut_shim_return(ut_io_run(self, &io));
}

UT_EXPORT ssize_t recv(int fd, void *buffer, size_t count, int flags)
{
    struct ut_coro *self = ut_shim_self();
    struct ut_fd_use use;
    if (!self || (never_waits_to_receive(flags) && !ut_fd_use(&use, fd, UT_FD_READ)))
        return real(recv)(fd, buffer, count, flags);
    if (never_waits_to_receive(flags))
        return note_emptiness(&use, flags, real(recv)(fd, buffer, count, flags));
    return receive(self, "recv", fd, buffer, count, flags, NULL, NULL);
}

UT_EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t count, size_t size, int flags)
{
    if (count > size)
        return real(__recv_chk)(fd, buffer, count, size, flags); /* says so and aborts */
    return recv(fd, buffer, count, flags);
}

UT_EXPORT ssize_t recvfrom(int fd, void *restrict buffer, size_t count, int flags,
                           struct sockaddr *restrict address, socklen_t *restrict length)
{
    struct ut_coro *self = ut_shim_self();
    struct ut_fd_use use;
    if (!self || (never_waits_to_receive(flags) && !ut_fd_use(&use, fd, UT_FD_READ)))
        return real(recvfrom)(fd, buffer, count, flags, address, length);
    if (never_waits_to_receive(flags))
        return note_emptiness(&use, flags, real(recvfrom)(fd, buffer, count, flags, address, length));
    return receive(self, "recvfrom", fd, buffer, count, flags, address, length);
}

UT_EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t count, size_t size, int flags,
                                 struct sockaddr *address, socklen_t *length)
{
    if (count > size)
        return real(__recvfrom_chk)(fd, buffer, count, size, flags, address, length);
    return recvfrom(fd, buffer, count, flags, address, length);
}

/*
 * The first attempt gets the program's own header: only after the kernel has read it do we know
 * that it can be read.
 */
static long first_message(struct ut_io *io, long number)
{
    long result = ut_syscall3(number, io->fd, io->message, io->flags | MSG_DONTWAIT);
    if (result >= 0)
        io->wanted = (size_t)ut_io_total(io->message->msg_iov, (int)io->message->msg_iovlen);
    return result;
}

static long attempt_recvmsg(struct ut_io *io)
{
    if (!io->done)
        return first_message(io, SYS_recvmsg);
    struct iovec rest[io->message->msg_iovlen];
    struct msghdr more = {.msg_iov = rest};
    more.msg_iovlen = (size_t)ut_io_skip(io->message->msg_iov, (int)io->message->msg_iovlen,
                                         io->done, rest);
    return ut_syscall3(SYS_recvmsg, io->fd, &more, io->flags | MSG_DONTWAIT);
}

/* Descriptors that came with a message are new here, and shared with their sender. */
static void note_received(const struct msghdr *message)
{
    struct msghdr *header = (struct msghdr *)message;
    if (!header->msg_controllen || !ut_shim_started())
        return;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t bytes = part->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
            ut_critical_begin();
            ut_fd_opened(fd, UT_FD_UNKNOWN, false, false);
            ut_critical_end();
        }
    }
}

UT_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct ut_coro *self = ut_shim_self();
    ssize_t result;
    if (!self || never_waits_to_receive(flags)) {
        result = real(recvmsg)(fd, message, flags);
    } else {
        struct ut_io io = {
            .fd = fd, .direction = UT_FD_READ, .why = "recvmsg",
            .attempt = attempt_recvmsg, .flags = flags, .message = message,
        };
        io.everything = (flags & MSG_WAITALL) && !(flags & MSG_PEEK) &&
                        ut_fd_kind(fd) == UT_FD_STREAM;
        result = ut_shim_return(ut_io_run(self, &io));
    }
    if (result >= 0)
        note_received(message);
    return result;
}

/* Sending */

static long attempt_send(struct ut_io *io)
{
    return ut_syscall6(SYS_sendto, io->fd, (long)io->buffer + (long)io->done,
                       (long)(io->wanted - io->done), io->flags | MSG_DONTWAIT, (long)io->address,
                       io->address_length ? (long)*io->address_length : 0);
}

static ssize_t transmit(struct ut_coro *self, const char *why, int fd, const void *buffer,
                        size_t count, int flags, const struct sockaddr *address, socklen_t length)
{
    struct ut_io io = {
        .fd = fd, .direction = UT_FD_WRITE, .why = why, .wanted = count, .attempt = attempt_send,
        .buffer = (void *)buffer, .flags = flags, .address = (struct sockaddr *)address,
        .address_length = &length,
    };
    /* Messages go whole or not at all; a stream takes what fits, and the rest is ours to send. */
    io.everything = count && ut_fd_kind(fd) == UT_FD_STREAM;
    return ut_shim_return(ut_io_run(self, &io));
}

UT_EXPORT ssize_t send(int fd, const void *buffer, size_t count, int flags)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || never_waits(flags))
        return real(send)(fd, buffer, count, flags);
    return ut_shim_return(ut_io_send(self, "send", fd, buffer, count, flags));
}
UT_ALIAS(__send, send);

UT_EXPORT ssize_t sendto(int fd, const void *buffer, size_t count, int flags,
                         const struct sockaddr *address, socklen_t length)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || never_waits(flags))
        return real(sendto)(fd, buffer, count, flags, address, length);
    return transmit(self, "sendto", fd, buffer, count, flags, address, length);
}

static long attempt_sendmsg(struct ut_io *io)
{
    if (!io->done)
        return first_message(io, SYS_sendmsg);
    struct iovec rest[io->message->msg_iovlen];
    struct msghdr more = {.msg_iov = rest}; /* address and ancillary data went with the first */
    more.msg_iovlen = (size_t)ut_io_skip(io->message->msg_iov, (int)io->message->msg_iovlen,
                                         io->done, rest);
    return ut_syscall3(SYS_sendmsg, io->fd, &more, io->flags | MSG_DONTWAIT);
}

/* Descriptors that are sent away are shared from now on. */
static void note_sent(const struct msghdr *message)
{
    struct msghdr *header = (struct msghdr *)message;
    if (!header->msg_controllen || !ut_shim_started())
        return;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
            part->cmsg_len >= CMSG_LEN(0))
            for (size_t at = 0; at + sizeof(int) <= part->cmsg_len - CMSG_LEN(0);
                 at += sizeof(int)) {
                int fd;
                memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
                ut_fd_shared(fd);
            }
}

UT_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct ut_coro *self = ut_shim_self();
    ssize_t result;
    if (!self || never_waits(flags)) {
        result = real(sendmsg)(fd, message, flags);
    } else {
        struct ut_io io = {
            .fd = fd, .direction = UT_FD_WRITE, .why = "sendmsg", .attempt = attempt_sendmsg,
            .flags = flags, .message = (struct msghdr *)message,
            .everything = ut_fd_kind(fd) == UT_FD_STREAM,
        };
        result = ut_shim_return(ut_io_run(self, &io));
    }
    if (result >= 0)
        note_sent(message);
    return result;
}

/*
 * Several messages in one call: take what is there by one system call, wait for the next by itself.
 * recvmmsg without MSG_WAITFORONE natively waits for all of them, looking at its timeout after each
 * (a known bug of the call, recvmmsg(2)). The kernel's most are UIO_MAXIOV.
 */
enum { MOST_MESSAGES = 1024 };

static long take_at_once(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (flags & MSG_WAITALL)
        return -EAGAIN; /* each is to be waited for until it is whole */
    long got = ut_syscall5(SYS_recvmmsg, fd, messages, count,
                           (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT, NULL);
    for (long i = 0; i < got; i++)
        note_received(&messages[i].msg_hdr);
    if (got > 0)
        ut_io_pass_on(fd, UT_FD_READ);
    return got;
}

/* -1 and errno, or how many. */
static int receive_messages(int fd, struct mmsghdr *messages, unsigned count, int flags,
                            int64_t deadline)
{
    unsigned done = 0;
    while (done < count && (done == 0 || ut_clock_now() < deadline)) {
        /* With a time-out the clock is looked at after each. */
        unsigned most = deadline == UT_FOREVER ? count - done : 1;
        long got = take_at_once(fd, messages + done, most, flags);
        if (got > 0) {
            done += (unsigned)got;
            continue;
        }
        if (got < 0 && got != -EAGAIN)
            return done ? (int)done : (int)ut_shim_return(got);
        if (done && (flags & MSG_WAITFORONE))
            break;
        ssize_t bytes = recvmsg(fd, &messages[done].msg_hdr, flags & ~MSG_WAITFORONE);
        if (bytes < 0)
            return done ? (int)done : -1;
        messages[done++].msg_len = (unsigned)bytes;
    }
    return (int)done;
}

UT_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                       struct timespec *timeout)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || never_waits(flags) || !count ||
        (timeout && (!ut_shim_readable(timeout, sizeof *timeout) || !ut_shim_valid_time(timeout) ||
                     timeout->tv_sec < 0))) {
        int result = real(recvmmsg)(fd, messages, count, flags, timeout);
        for (int i = 0; i < result; i++)
            note_received(&messages[i].msg_hdr);
        return result;
    }
    ut_shim_cancellation_point(self);
    int64_t deadline = timeout ? ut_shim_timeout(timeout) : UT_FOREVER;
    int result = receive_messages(fd, messages, count < MOST_MESSAGES ? count : MOST_MESSAGES, flags,
                                  deadline);
    if (timeout && result > 0)
        *timeout = ut_shim_left(deadline);
    return result;
}

/* Messages go whole or not at all; of a stream the kernel might take a part of one. */
static long send_at_once(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (ut_fd_kind(fd) == UT_FD_STREAM)
        return 0;
    long sent = ut_syscall4(SYS_sendmmsg, fd, messages, count,
                            flags | MSG_DONTWAIT | MSG_NOSIGNAL); /* with EPIPE it is tried again, alone */
    for (long i = 0; i < sent; i++)
        note_sent(&messages[i].msg_hdr);
    if (sent > 0)
        ut_io_pass_on(fd, UT_FD_WRITE);
    return sent;
}

UT_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    struct ut_coro *self = ut_shim_self();
    unsigned done = 0;
    if (!self || never_waits(flags) || !count) {
        int result = real(sendmmsg)(fd, messages, count, flags);
        for (int i = 0; i < result; i++)
            note_sent(&messages[i].msg_hdr);
        return result;
    }
    ut_shim_cancellation_point(self);
    if (count > MOST_MESSAGES)
        count = MOST_MESSAGES;
    while (done < count) {
        long sent = send_at_once(fd, messages + done, count - done, flags);
        if (sent > 0) {
            done += (unsigned)sent;
            continue;
        }
        if (sent < 0 && sent != -EAGAIN && sent != -EPIPE)
            return done ? (int)done : (int)ut_shim_return(sent);
        ssize_t bytes = sendmsg(fd, &messages[done].msg_hdr, flags);
        if (bytes < 0)
            return done ? (int)done : -1;
        messages[done++].msg_len = (unsigned)bytes;
    }
    return (int)done;
}

/* Connections */

static bool is_readable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, &one, 1, &none, NULL, 0) != 0;
}

/* If not, accept has an error to report, at once. */
static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    return ut_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 &&
           listening;
}

/*
 * accept has no form of its own that does not wait. If another thread or process takes the
 * connection between the look and the call, the call blocks: in a region, so that it harms nobody.
 */
static long attempt_accept(struct ut_io *io)
{
    if (io->flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (!is_readable(io->fd) && ut_fd_nonblocking(io->fd) == 0 && is_listening(io->fd))
        return -EAGAIN;
    ut_region_begin(ut_tls.coro, io->why, false);
    long result =
        ut_syscall4(SYS_accept4, io->fd, io->address, io->address_length, io->flags);
    ut_region_end(ut_tls.coro);
    return result;
}

static void note_accepted(int listener, int fd, int flags)
{
    if (fd < 0 || !ut_shim_started())
        return;
    int saved = errno;
    int64_t read_timeout = ut_fd_timeout(listener, UT_FD_READ);
    int64_t write_timeout = ut_fd_timeout(listener, UT_FD_WRITE);
    enum ut_fd_kind kind = ut_fd_kind(listener); /* of the same type as what it accepts */
    ut_critical_begin();
    ut_fd_opened(fd, kind, true, flags & SOCK_NONBLOCK);
    ut_fd_set_timeout(fd, UT_FD_READ, read_timeout);
    ut_fd_set_timeout(fd, UT_FD_WRITE, write_timeout);
    ut_fd_set_linger(fd, ut_fd_linger(listener));
    ut_critical_end();
    errno = saved;
}

static int do_accept(const char *why, int fd, struct sockaddr *address, socklen_t *length,
                     int flags)
{
    struct ut_io io = {
        .fd = fd, .direction = UT_FD_READ, .why = why, .attempt = attempt_accept, .flags = flags,
        .address = address, .address_length = length,
    };
    return (int)ut_shim_return(ut_io_run(ut_shim_self(), &io));
}

UT_EXPORT int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    int result = ut_shim_self() ? do_accept("accept", fd, address, length, 0)
                                : real(accept)(fd, address, length);
    note_accepted(fd, result, 0);
    return result;
}

UT_EXPORT int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length,
                      int flags)
{
    int result = ut_shim_self() ? do_accept("accept4", fd, address, length, flags)
                                : real(accept4)(fd, address, length, flags);
    note_accepted(fd, result, flags);
    return result;
}

/* Start connecting without waiting for it: by O_NONBLOCK, for there is no other way. */
static long start_connecting(int fd, const struct sockaddr *address, socklen_t length)
{
    long flags = ut_syscall2(SYS_fcntl, fd, F_GETFL);
    if (flags < 0)
        return flags;
    if (flags & O_NONBLOCK)
        return ut_syscall3(SYS_connect, fd, address, length);
    ut_syscall3(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
    long result = ut_syscall3(SYS_connect, fd, address, length);
    ut_syscall3(SYS_fcntl, fd, F_SETFL, flags);
    return result == -EINPROGRESS ? -EAGAIN : result;
}

static bool is_writable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, &one, 1, &none, NULL, 0) != 0;
}

/* Once it is decided a second connect returns the result at once, and clears it as SO_ERROR would. */
static long attempt_finish_connecting(struct ut_io *io)
{
    return is_writable(io->fd)
               ? ut_syscall3(SYS_connect, io->fd, io->address, *io->address_length)
               : -EAGAIN;
}

/* With a deadline that passes (SO_SNDTIMEO) connect says EINPROGRESS, not EAGAIN: connect(2). */
static long finish_connecting(struct ut_coro *self, int fd, const struct sockaddr *address,
                              socklen_t length)
{
    struct ut_io io = {
        .fd = fd, .direction = UT_FD_WRITE, .why = "connect", .attempt = attempt_finish_connecting,
        .address = (struct sockaddr *)address, .address_length = &length,
    };
    long result = ut_io_run(self, &io);
    return result == -EAGAIN ? -EINPROGRESS : result;
}

static bool is_internet(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t size = sizeof domain;
    ut_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain == AF_INET || domain == AF_INET6;
}

UT_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(connect)(fd, address, length);
    /* Local sockets connect at once, or wait for room in a backlog that cannot be watched. */
    if (!is_internet(fd))
        return UT_REGION("connect", false, real(connect)(fd, address, length));
    ut_shim_cancellation_point(self);
    long result = start_connecting(fd, address, length);
    if (result == -EAGAIN)
        result = finish_connecting(self, fd, address, length);
    return (int)ut_shim_return(result);
}
UT_ALIAS(__connect, connect);

/* Making sockets */

static enum ut_fd_kind kind_of_type(int type)
{
    return (type & 0xf) == SOCK_STREAM ? UT_FD_STREAM : UT_FD_SOCKET;
}

static void note_made(int fd, int type)
{
    ut_critical_begin();
    ut_fd_opened(fd, kind_of_type(type), true, type & SOCK_NONBLOCK);
    ut_critical_end();
}

UT_EXPORT int socket(int domain, int type, int protocol)
{
    int fd = real(socket)(domain, type, protocol);
    if (fd >= 0 && ut_shim_started())
        note_made(fd, type);
    return fd;
}

/*
 * A full Unix socket that is shut down for writing polls as before (net/unix/af_unix.c), though a send that
 * waits then fails.
 */
UT_EXPORT int shutdown(int fd, int how)
{
    int result = real(shutdown)(fd, how);
    if (result == 0 && ut_shim_started()) {
        ut_critical_begin();
        ut_fd_look_again(fd);
        ut_critical_end();
    }
    return result;
}

UT_EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
    int result = real(socketpair)(domain, type, protocol, fds);
    if (result == 0 && ut_shim_started()) {
        note_made(fds[0], type);
        note_made(fds[1], type);
    }
    return result;
}

UT_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int result = real(setsockopt)(fd, level, name, value, length);
    if (result == 0 && level == SOL_SOCKET && ut_shim_started() && name == SO_LINGER &&
        length >= sizeof(struct linger)) {
        struct linger linger;
        memcpy(&linger, value, sizeof linger);
        ut_fd_set_linger(fd, linger.l_onoff ? linger.l_linger : 0);
    }
    if (result == 0 && level == SOL_SOCKET && ut_shim_started() &&
        (name == SO_RCVTIMEO || name == SO_SNDTIMEO) && length >= sizeof(struct timeval)) {
        struct timeval time;
        memcpy(&time, value, sizeof time);
        int64_t span = time.tv_sec < 0 ? 0 /* the kernel: do not wait at all */
                       : time.tv_sec || time.tv_usec
                           ? time.tv_sec * UT_SECOND + time.tv_usec * UT_MICROSECOND
                           : UT_FOREVER;
        ut_fd_set_timeout(fd, name == SO_RCVTIMEO ? UT_FD_READ : UT_FD_WRITE, span);
    }
    return result;
}
