/* SPDX-License-Identifier: MIT */
/* Every way in which a process with threads may end, told by its child's status, and what is still written. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static void *waits(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *ends_the_process(void *argument)
{
    printf("buffered, ");
    switch (index_of(argument)) {
    case 0: exit(300);
    case 1: _exit(41);
    case 2: abort();
    case 3: quick_exit(42);
    case 4: raise(SIGTERM); break;
    case 5: kill(getpid(), SIGKILL); break;
    case 6: *(volatile int *)bad_pointer = 1; break;
    case 7: _Exit(-1);
    default: signal(SIGABRT, SIG_IGN); abort();
    }
    for (;;)
        pause();
}

static void at_exit(void)
{
    printf("at exit\n");
    fflush(stdout);
}

static void at_quick_exit_(void)
{
    say("at quick exit\n");
}

int main(void)
{
    struct rlimit none = {0, 0};
    must_sys(setrlimit(RLIMIT_CORE, &none));
    for (int way = 0; way <= 8; way++) {
        int status;
        pid_t child = (pid_t)must_sys(fork());
        if (child == 0) {
            atexit(at_exit);
            at_quick_exit(at_quick_exit_);
            start(waits, NULL);
            start(ends_the_process, (void *)(intptr_t)way);
            waits(NULL);
        }
        must_sys(waitpid(child, &status, 0));
        if (WIFEXITED(status))
            say("way %d: exit %d\n", way, WEXITSTATUS(status));
        else
            say("way %d: signal %d\n", way, WTERMSIG(status));
    }
    return finished();
}
