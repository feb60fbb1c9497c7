/* SPDX-License-Identifier: MIT */
/* A signal without a handler sent to one thread ends, stops or leaves alone the whole process. */
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

static void *raises(void *argument)
{
    raise(index_of(argument));
    return argument;
}

static void in_child(int number, bool to_other)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        pthread_t threads[10];
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        start_many(threads, 10, waits);
        if (to_other)
            must(pthread_kill(threads[4], number));
        else
            join(start(raises, (void *)(intptr_t)number));
        if (number == SIGCHLD)
            _exit(3);
        join(threads[4]);
    }
    must_sys(waitpid(child, &status, 0));
    if (WIFSIGNALED(status))
        say("killed by %s\n", sigabbrev_np(WTERMSIG(status)));
    else
        say("exit status %d\n", WEXITSTATUS(status));
}

static void *aborts(void *argument)
{
    (void)argument;
    abort();
}

int main(void)
{
    in_child(SIGTERM, true);
    in_child(SIGTERM, false);
    in_child(SIGUSR1, true);
    in_child(SIGKILL, true);
    in_child(SIGCHLD, true);
    in_child(SIGCHLD, false);
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        join(start(aborts, NULL));
    }
    must_sys(waitpid(child, &status, 0));
    say("abort: %s\n", sigabbrev_np(WTERMSIG(status)));
    raises((void *)SIGCHLD);
    signal(SIGTERM, SIG_IGN);
    join(start(raises, (void *)SIGTERM));
    return finished();
}
