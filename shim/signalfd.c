/* SPDX-License-Identifier: MIT */
/*
 * Reading from a signalfd(2): what is pending for the process comes from the kernel, what was
 * directed at the coroutine that reads is pending in the coroutine (sigqueue.h). The kernel also
 * hands out our own kicks (signals.c), which are nobody's.
 */
#include "signalfd.h"

#include "signals.h"
#include "sigqueue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

enum { TEXT_SIZE = 16 << 10 };

_Atomic bool ut_signalfd_used;

/* What the kernel tells of FD, in lines, to readers of a file; empty if it cannot be read. */
static void read_facts(int fd, char *text, size_t size)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    long file = ut_syscall4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), have = 0, got = 0;
    while (file >= 0 && have < (long)size - 1 &&
           (got = ut_syscall3(SYS_read, file, text + have, (long)size - 1 - have)) > 0)
        have += got;
    text[have] = 0;
    if (file >= 0)
        ut_syscall1(SYS_close, file);
}

/* The signals that FD is for. 0: it is no signalfd. */
static uint64_t mask_of(int fd)
{
    static const char key[] = "\nsigmask:\t";
    char text[512];
    read_facts(fd, text, sizeof text);
    const char *found = strstr(text, key);
    return found ? strtoull(found + sizeof key - 1, NULL, 16) : 0;
}

static struct signalfd_siginfo described(const siginfo_t *info)
{
    struct signalfd_siginfo record = {
        .ssi_signo = (uint32_t)info->si_signo,
        .ssi_errno = info->si_errno,
        .ssi_code = info->si_code,
        .ssi_pid = (uint32_t)info->si_pid,
        .ssi_uid = (uint32_t)info->si_uid,
    };
    if (info->si_code == SI_QUEUE || info->si_code == SI_TIMER || info->si_code == SI_MESGQ) {
        record.ssi_int = info->si_int;
        record.ssi_ptr = (uint64_t)(uintptr_t)info->si_ptr;
    }
    return record;
}

static bool is_kick(const struct signalfd_siginfo *record)
{
    siginfo_t info = {.si_code = record->ssi_code};
    info.si_ptr = (void *)(uintptr_t)record->ssi_ptr;
    return ut_signals_is_kick(&info);
}

/* Close the gaps that kicks leave in SIZE bytes of records. */
static long without_kicks(struct signalfd_siginfo *records, long size)
{
    long count = size / (long)sizeof *records, kept = 0;
    for (long i = 0; i < count; i++)
        if (!is_kick(&records[i]))
            records[kept++] = records[i];
    return kept * (long)sizeof *records;
}

/* What was directed at SELF, into the first part: the usual reader has just one. Bytes. */
static long take_directed(struct ut_coro *self, const struct ut_io *io)
{
    struct signalfd_siginfo *record = io->parts[0].iov_base;
    size_t room = io->parts[0].iov_len / sizeof *record;
    siginfo_t info;
    long taken = 0;
    if (!room || !ut_shim_readable(record, sizeof *record))
        return 0; /* the kernel knows what is wrong with it */
    for (uint64_t mask = mask_of(io->fd); room-- && ut_sigqueue_take(self, mask, &info); record++) {
        struct signalfd_siginfo next = described(&info);
        memcpy(record, &next, sizeof next);
        taken += (long)sizeof next;
    }
    return taken;
}

/* What the kernel has, behind the TAKEN bytes that were directed: bytes, or -errno. */
static long take_others(const struct ut_io *io, long taken,
                        long (*kernel_attempt)(struct ut_io *io))
{
    struct iovec rest = {(char *)io->parts[0].iov_base + taken,
                         io->parts[0].iov_len - (size_t)taken};
    struct ut_io more = *io;
    long result, kept;
    if (taken && (io->part_count != 1 || rest.iov_len < sizeof(struct signalfd_siginfo)))
        return -EAGAIN;
    if (io->part_count == 1)
        more.parts = &rest;
    do {
        result = kept = kernel_attempt(&more);
        if (result > 0 && io->part_count == 1)
            kept = without_kicks(rest.iov_base, result);
    } while (result > 0 && kept == 0);
    return kept;
}

long ut_signalfd_attempt(struct ut_io *io, long (*kernel_attempt)(struct ut_io *io))
{
    struct ut_coro *self = ut_tls.coro;
    /* Pairs with ut_signals_direct: it sees this, and ends our wait even for a blocked one, or we see
     * what it has made pending. */
    atomic_store(&self->awaits_signals, true);
    long taken = atomic_load(&self->pending) ? take_directed(self, io) : 0;
    long result = take_others(io, taken, kernel_attempt);
    return result > 0 ? taken + result : taken ? taken : result;
}

bool ut_signalfd_ready(struct ut_coro *self, int fd)
{
    uint64_t pending = atomic_load(&self->pending);
    return pending && ut_fd_kind(fd) == UT_FD_SIGNALS && (pending & mask_of(fd));
}

int ut_signalfd_in_epoll(struct ut_coro *self, int epoll, struct epoll_event *event)
{
    char *text = ut_sys_map(TEXT_SIZE); /* there are small stacks */
    int fd, found = 0;
    unsigned events;
    unsigned long long data;
    if (!text)
        return 0;
    read_facts(epoll, text, TEXT_SIZE);
    for (const char *at = text; !found && (at = strstr(at, "tfd:")); at++)
        if (sscanf(at, "tfd: %d events: %x data: %llx", &fd, &events, &data) == 3 &&
            (events & EPOLLIN) && ut_signalfd_ready(self, fd)) {
            *event = (struct epoll_event){.events = EPOLLIN, .data.u64 = data};
            found = 1;
        }
    ut_syscall2(SYS_munmap, text, TEXT_SIZE);
    return found;
}
