/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

#define LINE_SIZE 400

/* Lines that found no file to go to, since the last one that did. */
static atomic_uint lost;

/* Standard error as it was at the start, if it was open then. */
static struct stat standard_error;
static bool was_closed;

/* A reader that is gone must not end the program, which has written nothing. */
static void write_once(int descriptor, const char *bytes, size_t length)
{
    static const struct timespec now;
    const uint64_t pipe = UINT64_C(1) << (SIGPIPE - 1);
    uint64_t before = 0;
    long result;
    ut_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &pipe, &before, sizeof pipe);
    while ((result = ut_sys_write(descriptor, bytes, length)) == -EINTR)
        ;
    if (result == -EPIPE && !(before & pipe))
        ut_syscall4(SYS_rt_sigtimedwait, &pipe, NULL, &now, sizeof pipe);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}

/* The program may have closed it, and got the number for a connection: nothing of ours goes there. */
static bool is_standard_error(int descriptor)
{
    struct stat status;
    if (was_closed || ut_syscall2(SYS_fstat, descriptor, &status) < 0)
        return false;
    return !S_ISSOCK(status.st_mode) || (status.st_ino == standard_error.st_ino &&
                                         status.st_dev == standard_error.st_dev);
}

void ut_log_start(void)
{
    was_closed = ut_syscall2(SYS_fstat, STDERR_FILENO, &standard_error) < 0;
}

/*
 * The file is opened for each line. A descriptor kept open would have to be guarded against
 * programs that close everything and get its number again for a socket, whose peer would then
 * read our log. It also lets the file be rotated. O_NONBLOCK: a FIFO without a reader costs the
 * line, not the thread.
 */
static int open_file(void)
{
    return (int)ut_syscall4(SYS_openat, AT_FDCWD, ut_config.log_file,
                            O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                            0644);
}

static size_t format_line(char *line, const char *format, va_list arguments)
{
    size_t start = snprintf(line, LINE_SIZE, "unthread[%ld]: ", ut_syscall0(SYS_getpid));
    size_t room = LINE_SIZE - start - 1; /* for the newline */
    int wanted = vsnprintf(line + start, room, format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;

    if (length >= room) {
        length = room - 1;
        memcpy(line + start + length - 3, "...", 3);
    }
    /* Names come from the program; they must not be able to forge a line of their own. */
    for (size_t i = start; i < start + length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[start + length] = '\n';
    return start + length + 1;
}

static void report_lost(int descriptor)
{
    unsigned count = atomic_exchange_explicit(&lost, 0, memory_order_relaxed);
    char line[64];

    if (count == 0)
        return;
    write_once(descriptor, line,
               snprintf(line, sizeof line, "unthread[%ld]: %u lines were lost\n",
                        ut_syscall0(SYS_getpid), count));
}

void ut_log_bytes(const char *bytes, size_t length)
{
    int descriptor;

    if (ut_config.log_file == NULL) {
        if (is_standard_error(STDERR_FILENO))
            write_once(STDERR_FILENO, bytes, length);
        return;
    }
    descriptor = open_file();
    if (descriptor < 0) {
        /* After a chroot, say. Not to standard error: by now that number may be a socket. */
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
        return;
    }
    report_lost(descriptor);
    write_once(descriptor, bytes, length);
    ut_syscall1(SYS_close, descriptor);
}

void ut_log_line(const char *format, ...)
{
    int saved_errno = errno; /* vsnprintf may set it */
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    ut_log_bytes(line, format_line(line, format, arguments));
    va_end(arguments);
    errno = saved_errno;
}

void ut_log_complaint(void *unused, const struct ut_config_setting *setting, const char *value)
{
    char expected[128];

    (void)unused;
    ut_log(UT_LOG_WARN, "%s=%.64s ignored: expected %s", setting->variable, value,
           ut_config_expected(setting, expected, sizeof expected));
}

void ut_die(const char *text)
{
    char line[LINE_SIZE];
    int length = snprintf(line, sizeof line, "unthread[%ld]: %.300s\n", ut_syscall0(SYS_getpid),
                          text);

    write_once(STDERR_FILENO, line, (size_t)length);
    abort();
}
