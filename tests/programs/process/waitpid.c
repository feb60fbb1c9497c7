/* SPDX-License-Identifier: MIT */
/* Twenty threads wait for their own children at once; every way to wait, and ECHILD. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 20 };

static void *waits_for_own(void *argument)
{
    int status, mine = index_of(argument);
    struct rusage usage;
    siginfo_t info;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        usleep((useconds_t)(THREADS - mine) * 1000);
        _exit(mine);
    }
    switch (mine % 3) {
    case 0:
        expect(waitpid(child, &status, 0) == child);
        break;
    case 1:
        expect(wait4(child, &status, 0, &usage) == child);
        break;
    default:
        expect(waitid(P_PID, (id_t)child, &info, WEXITED) == 0);
        expect(info.si_code == CLD_EXITED && info.si_pid == child && info.si_status == mine);
        return NULL;
    }
    expect(WIFEXITED(status) && WEXITSTATUS(status) == mine);
    return NULL;
}

static void *one_after_another(void *argument)
{
    int status;
    show_sys(waitpid(-1, &status, 0));
    show_sys(wait(&status));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        for (;;)
            pause();
    show_sys(waitpid(child, &status, WNOHANG));
    must_sys(kill(child, SIGSTOP));
    expect(waitpid(child, &status, WUNTRACED) == child);
    say("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    must_sys(kill(child, SIGKILL));
    expect(wait(&status) == child);
    say("signaled %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
    show_sys(waitpid(child, &status, 0));
    show_sys(waitpid(-1, &status, 0x40));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, waits_for_own);
    join_many(threads, THREADS);
    join(start(one_after_another, NULL));
    return finished();
}
