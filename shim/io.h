/* SPDX-License-Identifier: MIT */
/*
 * One blocking I/O call of a coroutine: attempts that never block, and waits between them.
 */
#ifndef UT_IO_H
#define UT_IO_H

#include "fd.h"
#include "frames.h"
#include "shim.h"

#include <sys/uio.h>

struct ut_io {
    int fd;
    enum ut_fd_direction direction;
    const char *why;  /* a constant: the function's name */
    struct ut_fd_call call;
    struct ut_frame frame;  /* while the call is known to its descriptor */
    int64_t deadline; /* 0: the socket's own timeout, from the first wait on */
    bool hopeful;     /* try although no event has come: what it waits for may be a signal */
    bool uncancelled; /* no cancellation point: sendfile */
    bool everything;  /* a stream write, or MSG_WAITALL: go on until WANTED bytes are done */
    size_t wanted;    /* bytes; 0 for calls that do not count bytes */
    size_t done;      /* bytes done by earlier attempts; the attempt starts behind them */
    /*
     * Try once, without blocking, by raw system calls: bytes (or another result) or -errno.
     * -EAGAIN: not now. Runs outside critical sections.
     */
    long (*attempt)(struct ut_io *io);
    /* The call's arguments, for the attempt. */
    void *buffer;
    int flags;
    struct msghdr *message;
    const struct iovec *parts;
    int part_count;
    struct sockaddr *address;
    socklen_t *address_length;
};

/* Do it: the call's result or -errno. Parks. A cancellation point, unless UNCANCELLED. */
long ut_io_run(struct ut_coro *self, struct ut_io *io);

/* FD was used past ut_io_run: there may be more to do for others that wait for DIRECTION. */
void ut_io_pass_on(int fd, enum ut_fd_direction direction);

/* The same for a send to where the socket is connected: WHY is the function's name. */
long ut_io_send(struct ut_coro *self, const char *why, int fd, const void *buffer, size_t count,
                int flags);

/* Copy PARTS without their first SKIPPED bytes to REST (room for COUNT); how many are left. */
int ut_io_skip(const struct iovec *parts, int count, size_t skipped, struct iovec *rest);

/* Sum of lengths, or -1 if the kernel would refuse them. */
ssize_t ut_io_total(const struct iovec *parts, int count);

#endif
