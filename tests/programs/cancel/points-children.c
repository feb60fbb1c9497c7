/* SPDX-License-Identifier: MIT */
/* Cancelled while it waits for children: they can be waited for afterwards. Cancelled in system():
 * its shell is killed and no child is left. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cancelling.h"

static pid_t child;

static void in_waitpid(void)
{
    waitpid(child, NULL, 0);
}

static void in_wait(void)
{
    wait(NULL);
}

static void in_wait4(void)
{
    struct rusage usage;
    wait4(-1, NULL, 0, &usage);
}

static void in_waitid(void)
{
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED);
}

static void in_waitid_of_all(void)
{
    siginfo_t info;
    waitid(P_ALL, 0, &info, WEXITED | WSTOPPED);
}

static void in_waitpid_for_stops(void)
{
    waitpid(child, NULL, WUNTRACED);
}

static void in_system(void)
{
    system("exec sleep 1000"); /* else the shell is killed, and what it began is left */
}

static const struct blocking_call calls[] = {
    {"waitpid", in_waitpid},
    {"wait", in_wait},
    {"wait4", in_wait4},
    {"waitid", in_waitid},
    {"waitid of all", in_waitid_of_all},
    {"waitpid for stops", in_waitpid_for_stops},
};
static const struct blocking_call calls_of_shell[] = {{"system", in_system}, {"system", in_system}};

int main(void)
{
    struct sigaction interrupt;
    int status;
    child = child_that_waits();
    CANCEL_IN_EACH(calls, NULL);
    must_sys(kill(child, SIGTERM));
    expect(waitpid(child, &status, 0) == child);
    say("killed by %d\n", WTERMSIG(status));
    CANCEL_IN_EACH(calls_of_shell, NULL);
    must_sys(sigaction(SIGINT, NULL, &interrupt));
    say("SIGINT has its action again: %d\n", interrupt.sa_handler == SIG_DFL);
    show_sys(waitpid(-1, NULL, 0));
    say("system %d\n", WEXITSTATUS(system("exit 3")));
    return finished();
}
