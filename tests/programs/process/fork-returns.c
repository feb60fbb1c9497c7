/* SPDX-License-Identifier: MIT */
/* A child forked by a thread ends: by exit, by return from the thread's routine (it is the last
 * thread: status 0), by pthread_exit, by a signal. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static void at_exit(void)
{
    say("atexit\n");
}

static void *forks(void *argument)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        switch (index_of(argument)) {
        case 0:
            exit(12);
        case 1:
            return NULL;
        case 2:
            pthread_exit((void *)9);
        case 3:
            _exit(13);
        default:
            raise(SIGTERM);
        }
    }
    must_sys(waitpid(child, &status, 0));
    if (WIFEXITED(status))
        say("exit status %d\n", WEXITSTATUS(status));
    else
        say("signal %d\n", WTERMSIG(status));
    return NULL;
}

int main(void)
{
    atexit(at_exit);
    for (int i = 0; i < 5; i++)
        join(start(forks, (void *)(intptr_t)i));
    say("%s\n", "end of main");
    return 0;
}
