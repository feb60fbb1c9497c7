/* SPDX-License-Identifier: MIT */
/* Process groups and sessions from threads: signals to a group reach each member, waiting for a group, what
 * setsid and setpgid refuse. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { MEMBERS = 5 };

static int ready[2];

static pid_t member(pid_t group)
{
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        setpgid(0, group);
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    setpgid(child, group ? group : child);
    return child;
}

static void *signals_a_group(void *argument)
{
    pid_t leader = member(0);
    char byte;
    for (int i = 1; i < MEMBERS; i++)
        member(leader);
    for (int i = 0; i < MEMBERS; i++)
        must_sys(read(ready[0], &byte, 1));
    show_sys(killpg(leader, 0));
    show_sys(kill(-leader, SIGTERM));
    int killed = 0, status;
    while (waitpid(-leader, &status, 0) > 0)
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    say("killed %d, then %s\n", killed, error_name(errno));
    show_sys(killpg(leader, 0));
    return argument;
}

static void *is_refused(void *argument)
{
    pid_t child = (pid_t)must_sys(fork());
    int status;
    if (child == 0) {
        expect(setsid() == getpid());
        show_sys(setsid());
        show_sys(setpgid(0, 0));
        show_sys(setpgid(0, getppid()));
        expect(getsid(0) == getpid() && getpgrp() == getpid());
        _exit(broken_expectations);
    }
    must_sys(waitpid(child, &status, 0));
    say("status %d\n", status);
    show_sys(setpgid(-1, 0));
    show_sys(setpgid(1, 1));
    show_sys(killpg(-5, 0));
    return argument;
}

int main(void)
{
    must_sys(pipe(ready));
    join(start(signals_a_group, NULL));
    join(start(is_refused, NULL));
    return finished();
}
