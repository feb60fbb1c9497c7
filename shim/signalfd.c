/* SPDX-License-Identifier: MIT */
/*
 * Reading from a signalfd(2): what is pending for the process comes from the kernel, what was directed
 * at the coroutine that reads is pending in the coroutine (sigqueue.h). The kernel also hands out our
 * own kicks (signals.c), which are nobody's.
 */
#include "signalfd.h"

#include "signals.h"
#include "sigqueue.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

/* The signals that FD is for: the kernel tells nobody but readers of this file. 0: none. */
static uint64_t mask_of(int fd)
{
    static const char key[] = "\nsigmask:\t";
    char path[48], text[512];
    uint64_t mask = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    long file = ut_syscall4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return 0;
    long size = ut_syscall3(SYS_read, file, text, sizeof text - 1);
    ut_syscall1(SYS_close, file);
    text[size > 0 ? size : 0] = 0;
    const char *found = strstr(text, key);
    if (found)
        for (const char *digit = found + sizeof key - 1; *digit > ' '; digit++)
            mask = mask << 4 | (uint64_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    return mask;
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

/* What was directed at SELF, into the first part: the usual reader has just one. */
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

long ut_signalfd_attempt(struct ut_io *io, long (*kernel_attempt)(struct ut_io *io))
{
    struct ut_coro *self = ut_tls.coro;
    /* Whoever directs a signal at us after the look below, even a blocked one, ends our wait. */
    atomic_store(&self->awaits_signals, true);
    for (;;) {
        long result = atomic_load(&self->pending) ? take_directed(self, io) : 0;
        if (result > 0)
            return result;
        result = kernel_attempt(io);
        if (result <= 0 || io->part_count != 1)
            return result;
        result = without_kicks(io->parts[0].iov_base, result);
        if (result > 0)
            return result;
    }
}

bool ut_signalfd_ready(struct ut_coro *self, int fd)
{
    uint64_t pending = atomic_load(&self->pending);
    return pending && (pending & mask_of(fd));
}
