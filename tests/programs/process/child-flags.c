/* SPDX-License-Identifier: MIT */
/* SA_NOCLDWAIT leaves no children to wait for, SA_NOCLDSTOP tells of no stops, SIG_IGN of SIGCHLD reaps; threads that
 * wait meanwhile are told so. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static volatile sig_atomic_t handled;
static int leave[2];

static void handle(int number)
{
    (void)number;
    handled++;
}

static void await_handler(int times)
{
    while (handled < times)
        usleep(1000);
}

static void *sees_stops(void *told)
{
    int status;
    char byte;
    handled = 0;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        raise(SIGSTOP);
        read(leave[0], &byte, 1);
        _exit(6);
    }
    must_sys(waitpid(child, &status, WUNTRACED));
    say("stopped %d\n", WIFSTOPPED(status));
    if (told)
        await_handler(1);
    must_sys(kill(child, SIGCONT));
    must_sys(waitpid(child, &status, WCONTINUED));
    say("continued %d\n", WIFCONTINUED(status));
    if (told)
        await_handler(2);
    must_sys(write(leave[1], "x", 1));
    must_sys(waitpid(child, &status, 0));
    await_handler(told ? 3 : 1);
    say("exit %d, told %d times\n", WEXITSTATUS(status), handled);
    return NULL;
}

static void *has_none(void *argument)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(1);
    show_sys(waitpid(child, &status, 0));
    child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(1);
    show_sys(wait(&status));
    return argument;
}

static void install(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags | SA_RESTART};
    must_sys(sigaction(SIGCHLD, &action, NULL));
}

int main(void)
{
    must_sys(pipe(leave));
    install(handle, 0);
    join(start(sees_stops, "of all"));
    install(handle, SA_NOCLDSTOP);
    join(start(sees_stops, NULL));
    install(handle, SA_NOCLDWAIT);
    join(start(has_none, NULL));
    install(SIG_IGN, 0);
    join(start(has_none, NULL));
    install(SIG_DFL, SA_NOCLDWAIT);
    join(start(has_none, NULL));
    return finished();
}
