/* SPDX-License-Identifier: MIT */
/*
 * Regular files: open(2), fsync(2), msync(2), fallocate(2), ftruncate(2), flock(2), lockf(3).
 * glibc: sysdeps/unix/sysv/linux/open64.c and neighbours. The kernel has no way to wait for these
 * but with a thread: blocking regions. Those that may wait for long are tried without waiting.
 */
#include "descriptors.h"
#include "real.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>

/* A cancellation point, if the caller is a coroutine; the real function deals with native ones. */
static void cancellation_point(void)
{
    struct ut_coro *self = ut_shim_self();
    if (self)
        ut_shim_cancellation_point(self);
}

/* open(2): these two make a file, and only they look at the mode. */
static bool needs_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

/* Opening. Mostly at once; a FIFO waits for its other end, a network file system for its server. */

UT_EXPORT int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (needs_mode(flags)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    cancellation_point();
    return ut_descriptors_opened(UT_REGION("open", false, real(open)(path, flags, mode)));
}
UT_ALIAS(open64, open); /* 64-bit machines only: O_LARGEFILE changes nothing there */
UT_ALIAS(__open, open);
UT_ALIAS(__open64, open);

UT_EXPORT int openat(int directory, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (needs_mode(flags)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    cancellation_point();
    return ut_descriptors_opened(
        UT_REGION("openat", false, real(openat)(directory, path, flags, mode)));
}
UT_ALIAS(openat64, openat);

/* The fortified ones, for calls without a mode; if one is needed the real one says so and dies. */
UT_EXPORT int __open_2(const char *path, int flags)
{
    return needs_mode(flags) ? real(__open_2)(path, flags) : open(path, flags);
}

UT_EXPORT int __open64_2(const char *path, int flags)
{
    return needs_mode(flags) ? real(__open64_2)(path, flags) : open(path, flags);
}

UT_EXPORT int __openat_2(int directory, const char *path, int flags)
{
    return needs_mode(flags) ? real(__openat_2)(directory, path, flags)
                             : openat(directory, path, flags);
}

UT_EXPORT int __openat64_2(int directory, const char *path, int flags)
{
    return needs_mode(flags) ? real(__openat64_2)(directory, path, flags)
                             : openat(directory, path, flags);
}

UT_EXPORT int creat(const char *path, mode_t mode)
{
    cancellation_point();
    return ut_descriptors_opened(UT_REGION("creat", false, real(creat)(path, mode)));
}
UT_ALIAS(creat64, creat);

/* Writing back */

UT_EXPORT int fsync(int fd)
{
    cancellation_point();
    return UT_REGION("fsync", true, real(fsync)(fd));
}

UT_EXPORT int fdatasync(int fd)
{
    cancellation_point();
    return UT_REGION("fdatasync", true, real(fdatasync)(fd));
}

UT_EXPORT int msync(void *address, size_t length, int flags)
{
    cancellation_point();
    return UT_REGION("msync", flags & MS_SYNC, real(msync)(address, length, flags));
}

UT_EXPORT int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags)
{
    bool waits = flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER);
    cancellation_point();
    return UT_REGION("sync_file_range", waits, real(sync_file_range)(fd, offset, count, flags));
}

/* Sizes */

UT_EXPORT int fallocate(int fd, int mode, off_t offset, off_t length)
{
    cancellation_point();
    return UT_REGION("fallocate", false, real(fallocate)(fd, mode, offset, length));
}
UT_ALIAS(fallocate64, fallocate);

UT_EXPORT int posix_fallocate(int fd, off_t offset, off_t length)
{
    return UT_REGION("posix_fallocate", false, real(posix_fallocate)(fd, offset, length));
}
UT_ALIAS(posix_fallocate64, posix_fallocate);

UT_EXPORT int ftruncate(int fd, off_t length)
{
    return UT_REGION("ftruncate", false, real(ftruncate)(fd, length));
}
UT_ALIAS(ftruncate64, ftruncate);

/* Locks */

UT_EXPORT int flock(int fd, int operation)
{
    if (!ut_shim_self() || (operation & (LOCK_NB | LOCK_UN)))
        return real(flock)(fd, operation);
    int saved = errno;
    int result = real(flock)(fd, operation | LOCK_NB);
    if (result == 0 || errno != EWOULDBLOCK)
        return result;
    errno = saved;
    return UT_REGION("flock", true, real(flock)(fd, operation));
}

UT_EXPORT int lockf(int fd, int command, off_t length)
{
    if (!ut_shim_self() || command != F_LOCK)
        return real(lockf)(fd, command, length);
    cancellation_point();
    int saved = errno;
    int result = real(lockf)(fd, F_TLOCK, length);
    if (result == 0 || (errno != EAGAIN && errno != EACCES))
        return result;
    errno = saved;
    return UT_REGION("lockf", true, real(lockf)(fd, F_LOCK, length));
}
UT_ALIAS(lockf64, lockf);
