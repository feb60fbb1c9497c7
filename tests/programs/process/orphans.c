/* SPDX-License-Identifier: MIT */
/* A process that has said so is given its grandchildren when their parents end; a thread that waits for anybody
 * gets them all, and PR_SET_PDEATHSIG comes when the parent has ended. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"

enum { CHILDREN = 6 };

static void *makes_orphans(void *argument)
{
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = (pid_t)must_sys(fork());
        if (child == 0) {
            if (fork() == 0) {
                usleep(20000);
                _exit(20 + i);
            }
            _exit(i);
        }
    }
    return argument;
}

static void *waits_for_all(void *argument)
{
    int sum = 0, count = 0, status;
    while (wait(&status) > 0) {
        expect(WIFEXITED(status));
        sum += WEXITSTATUS(status);
        count++;
    }
    say("%d processes, sum %d, then %s\n", count, sum, error_name(errno));
    return argument;
}

static void dies_with_its_parent(void)
{
    int ends[2], status;
    char byte;
    must_sys(pipe(ends));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        int ready[2];
        must_sys(pipe(ready));
        if (fork() == 0) {
            close(ends[0]);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            write(ready[1], "x", 1);
            for (;;)
                pause();
        }
        read(ready[0], &byte, 1);
        _exit(0);
    }
    close(ends[1]);
    must_sys(waitpid(child, &status, 0));
    show_sys(read(ends[0], &byte, 1));
    must_sys(wait(&status));
    say("killed %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
    must_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
    join(start(makes_orphans, NULL));
    join(start(waits_for_all, NULL));
    dies_with_its_parent();
    return finished();
}
