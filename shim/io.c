/* SPDX-License-Identifier: MIT */
#include "io.h"

#include "signals.h"
#include "wait.h"

#include <limits.h>
#include <poll.h>
#include <stddef.h>

int ut_io_skip(const struct iovec *parts, int count, size_t skipped, struct iovec *rest)
{
    int left = 0;
    for (int i = 0; i < count; i++) {
        if (skipped >= parts[i].iov_len) {
            skipped -= parts[i].iov_len;
            continue;
        }
        rest[left].iov_base = (char *)parts[i].iov_base + skipped;
        rest[left].iov_len = parts[i].iov_len - skipped;
        skipped = 0;
        left++;
    }
    return left;
}

ssize_t ut_io_total(const struct iovec *parts, int count)
{
    size_t total = 0;
    if (count < 0 || count > IOV_MAX)
        return -1;
    for (int i = 0; i < count; i++) {
        total += parts[i].iov_len;
        if (total > SSIZE_MAX)
            return -1;
    }
    return (ssize_t)total;
}

/* What a call returns that has done some bytes and meets ERROR: natively, the bytes. */
static long partial(const struct ut_io *io, long error)
{
    return io->done ? (long)io->done : error;
}

/* Handlers wait meanwhile: they may do I/O on the same descriptor. */
static void pass_on(const struct ut_fd_use *use)
{
    ut_critical_begin();
    ut_fd_pass_on(use);
    ut_critical_end();
}

void ut_io_pass_on(int fd, enum ut_fd_direction direction)
{
    struct ut_fd_use use;
    if (ut_fd_use(&use, fd, direction))
        pass_on(&use);
}

/* Account for RESULT bytes; true if the call is finished. */
static bool finished(struct ut_io *io, const struct ut_fd_use *use, long result)
{
    size_t missing = io->wanted - io->done;
    /* Who only looks leaves it there. */
    if (io->wanted && (size_t)result < missing && !(io->flags & MSG_PEEK))
        ut_fd_drained(use);
    else
        pass_on(use); /* there may be more, for another thread that waits */
    io->done += (size_t)result;
    /* End of file ends a MSG_WAITALL, too. */
    return !io->everything || result == 0 || io->done >= io->wanted;
}

/*
 * A handler forked during the wait, and has returned in the child: there the caller is a native thread, and
 * the runtime's lanes are gone. Signals restart the call: whose handler wanted EINTR is not known.
 */
static int await_in_child(const struct ut_io *io)
{
    struct pollfd one = {.fd = io->fd, .events = io->direction == UT_FD_READ ? POLLIN : POLLOUT};
    struct timespec rest, *limit = NULL;
    if (io->deadline != UT_FOREVER) {
        rest = ut_shim_left(io->deadline);
        limit = &rest;
    }
    long result = ut_syscall5(SYS_ppoll, &one, 1, limit, NULL, sizeof(uint64_t));
    return result == 0 ? -EAGAIN : result == -EINTR || result > 0 ? 0 : (int)result;
}

/* Wait for readiness: 0, or the error that ends the call. */
static int await(struct ut_coro *self, struct ut_io *io, const struct ut_fd_use *use)
{
    if (__builtin_expect(ut_tls.coro != self, 0))
        return await_in_child(io);
    if (!io->deadline) { /* the first time: SO_RCVTIMEO and SO_SNDTIMEO count from here */
        int64_t timeout = ut_fd_timeout(io->fd, io->direction);
        io->deadline = timeout == UT_FOREVER ? UT_FOREVER : ut_clock_add(ut_clock_now(), timeout);
    }
    ut_critical_begin();
    int result = ut_fd_wait(use, &io->call, io->why, io->deadline);
    ut_critical_end();
    if (result == -ESTALE) /* closed, but the call has its file */
        return 0;
    io->hopeful = result == -EINTR;
    if (result == -EINTR) {
        /* signal(7): never restarted are socket calls with a time-out; nor those that have done a part. */
        return io->deadline == UT_FOREVER && !io->done
                   ? ut_shim_attend(self, !io->uncancelled)
                   : ut_shim_attend_sleep(self, !io->uncancelled);
    }
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

/* If the descriptor was closed under the call, go on with the duplicate. True if so, just now. */
static bool follow(struct ut_io *io)
{
    int moved_to = io->call.entry ? __atomic_load_n(&io->call.moved_to, __ATOMIC_ACQUIRE) : -1;
    if (moved_to < 0 || moved_to == io->fd)
        return false;
    io->fd = moved_to;
    return true;
}

/* Once the descriptor may know of the call, this ends it: also by unwinding, and by a jump. */
static void leave_call(struct ut_coro *self, struct ut_frame *frame)
{
    struct ut_io *io = (struct ut_io *)((char *)frame - offsetof(struct ut_io, frame));
    (void)self;
    ut_critical_begin();
    ut_fd_call_end(&io->call);
    ut_critical_end();
}

static void end_call(struct ut_io **io)
{
    struct ut_frame *frame = &(*io)->frame;
    if (!frame->leave)
        return;
    ut_frame_end(frame);
    leave_call(frame->coro, frame);
}

/* All of ut_io_run but its beginning. */
static long run(struct ut_coro *self, struct ut_io *io)
{
    __attribute__((cleanup(end_call), unused)) struct ut_io *call = io;
    struct ut_fd_use use;
    for (;;) {
        follow(io);
        if (!ut_fd_use(&use, io->fd, io->direction))
            return -EBADF;
        if (io->everything && io->direction == UT_FD_READ && !io->call.entry) {
            if (!io->frame.leave)
                ut_frame_enter(self, &io->frame, leave_call);
            ut_critical_begin(); /* MSG_WAITALL has the file between its attempts, too */
            bool begun = ut_fd_call_begin(&io->call, &use);
            ut_critical_end();
            if (!begun)
                continue;
        }
        bool hopeless = !ut_fd_promising(&use) && !io->hopeful;
        if (!hopeless || ut_fd_nonblocking(io->fd)) {
            long result = io->attempt(io);
            ut_shake();
            if (result >= 0) {
                if (finished(io, &use, result))
                    return io->everything ? (long)io->done : result;
                continue;
            }
            if (result == -EPIPE)
                ut_signals_keep_own(self, SIGPIPE);
            if (result == -EBADF && follow(io))
                continue;
            if (result != -EAGAIN)
                return partial(io, result);
            int nonblocking = ut_fd_nonblocking(io->fd);
            if (nonblocking < 0 && follow(io))
                continue;
            if (nonblocking)
                ut_fd_exhausted(&use); /* a poll() will follow: it need not ask again */
            if (nonblocking)
                return partial(io, nonblocking < 0 ? nonblocking : -EAGAIN);
        }
        ut_shake();
        if (!io->frame.leave)
            ut_frame_enter(self, &io->frame, leave_call);
        int error = await(self, io, &use);
        if (error)
            return partial(io, error);
    }
}

long ut_io_run(struct ut_coro *self, struct ut_io *io)
{
    if (io->uncancelled)
        ut_shim_begin(self);
    else
        ut_shim_cancellation_point(self);
    return run(self, io);
}

static long attempt_send(struct ut_io *io)
{
    return ut_syscall6(SYS_sendto, io->fd, (long)io->buffer + (long)io->done,
                       (long)(io->wanted - io->done), io->flags | MSG_DONTWAIT, 0, 0);
}

/* Most often there is room for all of it, and then nothing of the long way is needed. */
long ut_io_send(struct ut_coro *self, const char *why, int fd, const void *buffer, size_t count,
                int flags)
{
    struct ut_fd_use use;
    ssize_t sent = 0;
    ut_shim_cancellation_point(self);
    if (ut_fd_use(&use, fd, UT_FD_WRITE) && ut_fd_promising(&use)) {
        sent = ut_syscall6(SYS_sendto, fd, (long)buffer, (long)count, flags | MSG_DONTWAIT, 0, 0);
        if (sent == (ssize_t)count) {
            pass_on(&use);
            return sent;
        }
        if (sent == -EPIPE)
            ut_signals_keep_own(self, SIGPIPE);
        if (sent < 0 && sent != -EAGAIN)
            return sent;
    }
    struct ut_io io = {
        .fd = fd, .direction = UT_FD_WRITE, .why = why, .wanted = count, .buffer = (void *)buffer,
        .flags = flags, .attempt = attempt_send, .done = sent > 0 ? (size_t)sent : 0,
        /* Messages go whole or not at all; a stream takes what fits, and the rest is ours to send. */
        .everything = ut_fd_kind(fd) == UT_FD_STREAM,
    };
    return run(self, &io);
}
