/* SPDX-License-Identifier: MIT */
/* _exit and quick_exit from a thread: no flush, no atexit; quick_exit runs its own handlers. */
#include <sys/wait.h>

#include "check.h"

static void at_exit(void)
{
    say("atexit, wrong here\n");
}

static void at_quick_exit_handler(void)
{
    say("at_quick_exit\n");
}

static void *exits(void *argument)
{
    printf("lost in the buffer");
    if (argument)
        quick_exit(8);
    _exit(6);
}

static void in_child(void *how)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        join(start(exits, how));
        _exit(1);
    }
    must_sys(waitpid(child, &status, 0));
    say("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

int main(void)
{
    atexit(at_exit);
    at_quick_exit(at_quick_exit_handler);
    in_child(NULL);
    in_child("quick");
    fflush(stdout);
    say("done\n");
    quick_exit(3);
}
