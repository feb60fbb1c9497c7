/* SPDX-License-Identifier: MIT */
/* waitid by process, group, descriptor and for all: what it tells of exits, signals, stops and continuations, left
 * in place or not, at once or waiting; from threads. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int leave[2];

static pid_t child_that(int way)
{
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        setpgid(0, 0);
        if (way == 0)
            _exit(9);
        if (way == 1)
            raise(SIGKILL);
        char byte;
        raise(SIGSTOP);
        read(leave[0], &byte, 1);
        _exit(3);
    }
    setpgid(child, child);
    return child;
}

static void show_info(const char *what, long result, const siginfo_t *info, pid_t child)
{
    if (result < 0)
        say("%s: %s\n", what, error_name(errno));
    else
        say("%s: code %d status %d, the child %d, signal %d\n", what, info->si_code, info->si_status,
            info->si_pid == child, info->si_signo == SIGCHLD);
}

static void *waits(void *argument)
{
    siginfo_t info = {0};
    pid_t child = child_that(0);
    show_info("left", waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), &info, child);
    show_info("again", waitid(P_PGID, (id_t)child, &info, WEXITED), &info, child);
    show_info("gone", waitid(P_PID, (id_t)child, &info, WEXITED), &info, child);
    child = child_that(1);
    show_info("killed", waitid(P_ALL, 0, &info, WEXITED), &info, child);
    child = child_that(2);
    show_info("stopped", waitid(P_PID, (id_t)child, &info, WSTOPPED), &info, child);
    memset(&info, 0, sizeof info);
    show_info("not yet", waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), &info, 0);
    must_sys(kill(child, SIGCONT));
    show_info("continued", waitid(P_PID, (id_t)child, &info, WCONTINUED), &info, child);
    must_sys(write(leave[1], "x", 1));
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    show_info("by descriptor", waitid(P_PIDFD, (id_t)fd, &info, WEXITED), &info, child);
    close(fd);
    show_info("nobody", waitid(P_ALL, 0, &info, WEXITED), &info, child);
    show_sys(waitid(P_PID, (id_t)getpid(), &info, WEXITED));
    show_sys(waitid(P_ALL, 0, &info, 0));
    show_sys(waitid(99, 0, &info, WEXITED));
    show_sys(waitid(P_PIDFD, 999, &info, WEXITED));
    child = child_that(0);
    show_sys(waitid(P_PID, (id_t)child, NULL, WEXITED));
    return argument;
}

int main(void)
{
    must_sys(pipe(leave));
    join(start(waits, NULL));
    waits(NULL);
    return finished();
}
