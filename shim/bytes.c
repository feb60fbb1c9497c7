/* SPDX-License-Identifier: MIT */
/*
 * Bytes: read(2), write(2), readv(2), pread(2), sendfile(2), splice(2) and their twins. On sockets
 * they are recv and send; pipes and the like are tried with RWF_NOWAIT. Regular files are read and
 * written in a blocking region, whose lane is handed over at once if the call is known to block, or
 * if the last ones on this descriptor did (pace.h); terminals, too. All but sendfile are cancellation points.
 */
#include "io.h"
#include "pace.h"
#include "real.h"
#include "signalfd.h"
#include "signals.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static bool is_socket(enum ut_fd_kind kind)
{
    return kind == UT_FD_STREAM || kind == UT_FD_SOCKET;
}

static bool waits_in_kernel(enum ut_fd_kind kind)
{
    return kind == UT_FD_FILE || kind == UT_FD_TERMINAL || kind == UT_FD_UNKNOWN;
}

static bool is_ready(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    struct timespec none = {0};
    return ut_syscall5(SYS_ppoll, &one, 1, &none, NULL, 0) != 0;
}

/* RESULT of an attempt; if it is a count, the kernel has read the vector, and so may we. */
static long measured(struct ut_io *io, long result)
{
    if (result >= 0)
        io->wanted = (size_t)ut_io_total(io->parts, io->part_count);
    return result;
}

/*
 * Pipes, terminals, eventfd and other descriptors that poll. RWF_NOWAIT where the kernel knows it
 * for this kind of file (pipes since 6.5); else a look first, and then a call that blocks only
 * if another thread was faster: in a region.
 */
static long attempt_vector(struct ut_io *io)
{
    bool reads = io->direction == UT_FD_READ;
    struct iovec room[io->done ? io->part_count : 1];
    const struct iovec *rest = io->parts; /* the program's own, until the kernel has read it */
    int count = io->part_count;
    if (io->done) {
        count = ut_io_skip(io->parts, io->part_count, io->done, room);
        rest = room;
    }
    long result = ut_syscall6(reads ? SYS_preadv2 : SYS_pwritev2, io->fd, (long)rest, count, -1, -1,
                              RWF_NOWAIT);
    if (result != -EOPNOTSUPP && result != -ENOSYS && result != -EINVAL && result != -ESPIPE)
        return measured(io, result);
    if (!is_ready(io->fd, reads ? POLLIN : POLLOUT) && ut_fd_nonblocking(io->fd) == 0)
        return -EAGAIN;
    ut_region_begin(ut_tls.coro, io->why, false);
    result = ut_syscall3(reads ? SYS_readv : SYS_writev, io->fd, rest, count);
    ut_region_end(ut_tls.coro);
    return measured(io, result);
}

static long attempt_socket_vector(struct ut_io *io)
{
    struct iovec room[io->done ? io->part_count : 1];
    struct msghdr message = {.msg_iov = (struct iovec *)io->parts,
                             .msg_iovlen = (size_t)io->part_count};
    if (io->done) {
        message.msg_iovlen = (size_t)ut_io_skip(io->parts, io->part_count, io->done, room);
        message.msg_iov = room;
    }
    return measured(io, ut_syscall3(io->direction == UT_FD_READ ? SYS_recvmsg : SYS_sendmsg, io->fd,
                                    &message, MSG_DONTWAIT));
}

static long attempt_signals(struct ut_io *io)
{
    return ut_signalfd_attempt(io, attempt_vector);
}

/* The common way of all four below. */
static ssize_t transfer(struct ut_coro *self, const char *why, int fd, enum ut_fd_kind kind,
                        enum ut_fd_direction direction, const struct iovec *parts, int count)
{
    struct ut_io io = {
        .fd = fd, .direction = direction, .why = why, .parts = parts,
        .part_count = count,
        .attempt = is_socket(kind)          ? attempt_socket_vector
                   : kind == UT_FD_SIGNALS ? attempt_signals
                                            : attempt_vector,
        .everything = direction == UT_FD_WRITE && (kind == UT_FD_STREAM || kind == UT_FD_PIPE),
        .hopeful = kind == UT_FD_SIGNALS,
    };
    long result = ut_io_run(self, &io);
    if (kind == UT_FD_SIGNALS)
        atomic_store_explicit(&self->awaits_signals, false, memory_order_relaxed);
    return ut_shim_return(result);
}

static long attempt_plain_recv(struct ut_io *io)
{
    return ut_syscall6(SYS_recvfrom, io->fd, (long)io->buffer, (long)io->wanted, MSG_DONTWAIT, 0,
                       0);
}

/* Files */

/* EXPRESSION, a call of a real function on file FD, as quick as the last ones on it. */
#define ON_FILE(symbol, fd, expression)                                                            \
    ({                                                                                             \
        struct ut_pace_call pace_call_;                                                            \
        bool paced_ = ut_shim_self();                                                              \
        if (paced_)                                                                                \
            ut_pace_begin(&pace_call_, ut_fd_pace(fd), symbol);                                    \
        __typeof__(expression) pace_result_ = (expression);                                        \
        if (paced_)                                                                                \
            end_pace(&pace_call_);                                                                 \
        pace_result_;                                                                              \
    })

static void end_pace(struct ut_pace_call *call)
{
    int saved = errno;
    if (saved == EFBIG)
        ut_signals_keep_own(ut_tls.coro, SIGXFSZ);
    ut_pace_end(call);
    errno = saved;
}

/* Does the file end at OFFSET, as far as can be told without waiting? -EAGAIN if it cannot. */
static long next_byte(int fd, off64_t offset)
{
    char byte;
    struct iovec part = {&byte, 1};
    return ut_syscall6(SYS_preadv2, fd, (long)&part, 1, offset, 0, RWF_NOWAIT);
}

/* The kernel's flags tell it; enum ut_pace_nowait. */
static unsigned ask_nowait(struct ut_pace *pace, int fd)
{
    long flags = ut_syscall2(SYS_fcntl, fd, F_GETFL);
    unsigned nowait = flags >= 0 && (flags & O_DIRECT) ? UT_PACE_DIRECT : UT_PACE_TELLS;
    atomic_store_explicit(&pace->nowait, (uint8_t)nowait, memory_order_relaxed);
    return nowait;
}

/*
 * Read what is in the page cache. True: *RESULT is what the call would return. False: make it, and
 * CALL has given its lane away if that will block. A positioned read changes nothing, so it
 * may be made twice. A short count is the end of the file, or the first page that is not cached: within
 * a page it can only be the end.
 */
static bool read_cached(struct ut_pace_call *call, int fd, const struct iovec *parts, int count,
                        off64_t offset, long *result)
{
    enum { PAGE = 4096 }; /* or more: then some are looked at in vain */
    if (!call->pace || call->since || offset < 0 || ut_fd_kind(fd) != UT_FD_FILE)
        return false;
    unsigned nowait = atomic_load_explicit(&call->pace->nowait, memory_order_relaxed);
    if (nowait == UT_PACE_ASK)
        nowait = ask_nowait(call->pace, fd);
    if (nowait == UT_PACE_DIRECT)
        ut_pace_give(call);
    if (nowait != UT_PACE_TELLS)
        return false;
    long got = ut_syscall6(SYS_preadv2, fd, (long)parts, count, offset, 0, RWF_NOWAIT);
    if (got == -EOPNOTSUPP || got == -ENOSYS)
        atomic_store_explicit(&call->pace->nowait, UT_PACE_BLIND, memory_order_relaxed);
    if (got == -EOPNOTSUPP || got == -ENOSYS || got == -EINVAL)
        return false;
    long next = got == -EAGAIN ? got : 0;
    if (got > 0 && got < ut_io_total(parts, count) && (offset + got) % PAGE == 0)
        next = next_byte(fd, offset + got);
    if (next == -EAGAIN)
        ut_pace_give(call);
    *result = got;
    return next == 0;
}

/* A positioned read of SELF's: from the cache, or by EXPRESSION, a call of the real function. */
#define POSITIONED_READ(self, symbol, fd, parts, count, offset, expression)                        \
    ({                                                                                             \
        struct ut_pace_call read_call_;                                                            \
        long read_result_;                                                                         \
        ut_shim_cancellation_point(self);                                                          \
        ut_pace_begin(&read_call_, ut_fd_pace(fd), symbol);                                        \
        if (read_cached(&read_call_, fd, parts, count, offset, &read_result_))                     \
            read_result_ = ut_shim_return(read_result_);                                           \
        else                                                                                       \
            read_result_ = (expression);                                                           \
        end_pace(&read_call_);                                                                     \
        read_result_;                                                                              \
    })

/* From here and to here */

UT_EXPORT ssize_t read(int fd, void *buffer, size_t count)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !count)
        return real(read)(fd, buffer, count);
    enum ut_fd_kind kind = ut_fd_kind(fd);
    if (is_socket(kind)) {
        struct ut_io io = {
            .fd = fd, .direction = UT_FD_READ, .why = "read", .wanted = count, .buffer = buffer,
            .attempt = attempt_plain_recv,
        };
        return ut_shim_return(ut_io_run(self, &io));
    }
    if (waits_in_kernel(kind))
        return ON_FILE("read", fd, real(read)(fd, buffer, count));
    struct iovec part = {buffer, count};
    return transfer(self, "read", fd, kind, UT_FD_READ, &part, 1);
}
UT_ALIAS(__read, read);

UT_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size)
{
    if (count > size)
        return real(__read_chk)(fd, buffer, count, size); /* says so and aborts */
    return read(fd, buffer, count);
}

UT_EXPORT ssize_t write(int fd, const void *buffer, size_t count)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !count)
        return real(write)(fd, buffer, count);
    enum ut_fd_kind kind = ut_fd_kind(fd);
    if (is_socket(kind))
        return ut_shim_return(ut_io_send(self, "write", fd, buffer, count, 0));
    if (waits_in_kernel(kind))
        return ON_FILE("write", fd, real(write)(fd, buffer, count));
    struct iovec part = {(void *)buffer, count};
    return transfer(self, "write", fd, kind, UT_FD_WRITE, &part, 1);
}
UT_ALIAS(__write, write);

UT_EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    struct ut_coro *self = ut_shim_self();
    enum ut_fd_kind kind = self && count > 0 && count <= IOV_MAX ? ut_fd_kind(fd) : UT_FD_UNKNOWN;
    if (waits_in_kernel(kind))
        return ON_FILE("readv", fd, real(readv)(fd, parts, count));
    return transfer(self, "readv", fd, kind, UT_FD_READ, parts, count);
}

UT_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    struct ut_coro *self = ut_shim_self();
    enum ut_fd_kind kind = self && count > 0 && count <= IOV_MAX ? ut_fd_kind(fd) : UT_FD_UNKNOWN;
    if (waits_in_kernel(kind))
        return ON_FILE("writev", fd, real(writev)(fd, parts, count));
    return transfer(self, "writev", fd, kind, UT_FD_WRITE, parts, count);
}

/* Positioned I/O: files, or an error at once. */

UT_EXPORT ssize_t pread64(int fd, void *buffer, size_t count, off64_t offset)
{
    struct ut_coro *self = ut_shim_self();
    struct iovec part = {buffer, count};
    if (!self)
        return real(pread64)(fd, buffer, count, offset);
    return POSITIONED_READ(self, "pread", fd, &part, 1, offset,
                           real(pread64)(fd, buffer, count, offset));
}
UT_ALIAS(__pread64, pread64);
UT_ALIAS(pread, pread64); /* off_t has 64 bits on every architecture we run on */

UT_EXPORT ssize_t __pread64_chk(int fd, void *buffer, size_t count, off64_t offset, size_t size)
{
    if (count > size)
        return real(__pread64_chk)(fd, buffer, count, offset, size);
    return pread64(fd, buffer, count, offset);
}
UT_ALIAS(__pread_chk, __pread64_chk);

UT_EXPORT ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset)
{
    return ON_FILE("pwrite", fd, real(pwrite64)(fd, buffer, count, offset));
}
UT_ALIAS(__pwrite64, pwrite64);
UT_ALIAS(pwrite, pwrite64);

UT_EXPORT ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(preadv64)(fd, parts, count, offset);
    return POSITIONED_READ(self, "preadv", fd, parts, count, offset,
                           real(preadv64)(fd, parts, count, offset));
}
UT_ALIAS(preadv, preadv64);

UT_EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return ON_FILE("pwritev", fd, real(pwritev64)(fd, parts, count, offset));
}
UT_ALIAS(pwritev, pwritev64);

UT_EXPORT ssize_t preadv64v2(int fd, const struct iovec *parts, int count, off64_t offset,
                             int flags)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || flags) /* RWF_NOWAIT by itself, or something else that is not to be lost */
        return ON_FILE("preadv2", fd, real(preadv64v2)(fd, parts, count, offset, flags));
    return POSITIONED_READ(self, "preadv2", fd, parts, count, offset,
                           real(preadv64v2)(fd, parts, count, offset, flags));
}
UT_ALIAS(preadv2, preadv64v2);

UT_EXPORT ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset,
                              int flags)
{
    return ON_FILE("pwritev2", fd, real(pwritev64v2)(fd, parts, count, offset, flags));
}
UT_ALIAS(pwritev2, pwritev64v2);

/* From descriptor to descriptor */

/*
 * sendfile blocks on its output, and there is no per-call flag. So the output is watched first, and gets
 * what fits; should it block all the same, or the file, that is in the region.
 */
struct file_range {
    int from;
    off64_t *offset;
};

/* How much a socket that is ready surely takes; half of its room, as what it keeps of its own counts, too. */
static size_t room_in(int socket)
{
    enum { LEAST = 4096 };
    int size = 0, used = 0;
    socklen_t length = sizeof size;
    ut_syscall5(SYS_getsockopt, socket, SOL_SOCKET, SO_SNDBUF, &size, &length);
    ut_syscall3(SYS_ioctl, socket, SIOCOUTQ, &used);
    return size / 2 - used > LEAST ? (size_t)(size / 2 - used) : LEAST;
}

/* Not with O_NONBLOCK set for the moment: that is the open file's, and others use it, in other processes, too. */
static long attempt_sendfile(struct ut_io *io)
{
    struct file_range *range = io->buffer;
    size_t count = io->wanted - io->done, room;
    if (ut_fd_nonblocking(io->fd) == 0) {
        if (!is_ready(io->fd, POLLOUT))
            return -EAGAIN;
        room = room_in(io->fd);
        if (count > room)
            count = room;
    }
    ut_region_begin(ut_tls.coro, io->why, false);
    long result = ut_syscall4(SYS_sendfile, io->fd, range->from, range->offset, count);
    ut_region_end(ut_tls.coro);
    return result;
}

UT_EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t count)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !count || ut_fd_kind(to) != UT_FD_STREAM)
        return UT_REGION("sendfile", false, real(sendfile64)(to, from, offset, count));
    struct file_range range = {from, offset};
    struct ut_io io = {
        .fd = to, .direction = UT_FD_WRITE, .why = "sendfile", .wanted = count, .everything = true,
        .uncancelled = true, .attempt = attempt_sendfile, .buffer = &range,
    };
    return ut_shim_return(ut_io_run(self, &io));
}
UT_ALIAS(sendfile, sendfile64);

/* RESULT of a call that may have met a pipe without readers. */
static ssize_t piped(ssize_t result)
{
    if (result < 0 && errno == EPIPE && ut_shim_self())
        ut_signals_keep_own(ut_tls.coro, SIGPIPE);
    return result;
}

UT_EXPORT ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t count,
                         unsigned flags)
{
    return piped(UT_REGION("splice", !(flags & SPLICE_F_NONBLOCK),
                           real(splice)(from, from_offset, to, to_offset, count, flags)));
}

UT_EXPORT ssize_t tee(int from, int to, size_t count, unsigned flags)
{
    return piped(
        UT_REGION("tee", !(flags & SPLICE_F_NONBLOCK), real(tee)(from, to, count, flags)));
}

UT_EXPORT ssize_t vmsplice(int fd, const struct iovec *parts, size_t count, unsigned flags)
{
    return piped(UT_REGION("vmsplice", !(flags & SPLICE_F_NONBLOCK),
                           real(vmsplice)(fd, parts, count, flags)));
}

UT_EXPORT ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset,
                                  size_t count, unsigned flags)
{
    return UT_REGION("copy_file_range", true,
                     real(copy_file_range)(from, from_offset, to, to_offset, count, flags));
}
