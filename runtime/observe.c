/* SPDX-License-Identifier: MIT */
/*
 * /proc/self/task/ID/syscall, proc(5): "running", or the number and the arguments of the system
 * call that the thread is blocked in, its stack pointer and its program counter. A thread may
 * always look at others of its own process (fs/proc/base.c, kernel/ptrace.c: same_thread_group).
 *
 * Rejected: /proc/ID/stat and wchan, twice as dear and less telling; the CPU time that the thread
 * has used, which cannot tell a thread that is blocked from one that waits for a CPU; a
 * descriptor kept open for each thread, in the program's table.
 */
#include "observe.h"

#include "config.h"
#include "ours.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OBSERVE_AUTO, OBSERVE_OFF }; /* the words of UNTHREAD_OBSERVE in settings.def */

static int tasks = -1; /* /proc/self/task, in the monitor's table: survives a chroot(2) */

/* The monitor's log lines go to standard error, if anywhere but into a file. */
static int kept_descriptor(void)
{
    bool prints = ut_config.log || ut_config.stats || ut_config.stats_signal;
    return prints && !ut_config.log_file ? STDERR_FILENO : -1;
}

int ut_observe_start(void)
{
    if (ut_config.observe == OBSERVE_OFF)
        return -EPERM;
    int result = ut_ours_separate(kept_descriptor());
    if (result == 0)
        result = (int)ut_syscall4(SYS_openat, AT_FDCWD, "/proc/self/task",
                                  O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (result < 0)
        return result;
    tasks = result;
    return 0;
}

static struct ut_observation understand(char *text)
{
    struct ut_observation blocked = {.doing = UT_DOING_BLOCKED};
    char *end, *last = text;
    if (*text == 'r')
        return (struct ut_observation){.doing = UT_DOING_RUNS};
    blocked.call = strtol(text, &end, 10);
    if (end == text)
        return (struct ut_observation){.doing = UT_DOING_UNKNOWN};
    for (char *at = text; *at; at++)
        if (*at == ' ')
            last = at + 1;
    blocked.where = strtoul(last, NULL, 16);
    return blocked;
}

struct ut_observation ut_observe(int thread_id)
{
    struct ut_observation unknown = {.doing = UT_DOING_UNKNOWN};
    char text[256], name[32];
    if (tasks < 0)
        return unknown;
    snprintf(name, sizeof name, "%d/syscall", thread_id);
    int fd = (int)ut_syscall4(SYS_openat, tasks, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return unknown;
    long length = ut_syscall3(SYS_read, fd, text, sizeof text - 1);
    ut_syscall1(SYS_close, fd);
    if (length <= 0)
        return unknown;
    text[length] = '\0';
    return understand(text);
}

void ut_observe_forked(void)
{
    tasks = -1; /* closed, in the child: the table was the monitor's */
}
