/* SPDX-License-Identifier: MIT */
/* SIGCHLD with a handler while threads fork and wait; handlers that write to a pipe; SIG_IGN
 * reaps. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { CHILDREN = 20 };

static int pipes[2];

static void handle(int number)
{
    int saved = errno;
    (void)number;
    must_sys(write(pipes[1], "c", 1));
    errno = saved;
}

/* The self-pipe loop of many daemons. */
static void *reaps(void *argument)
{
    int reaped = 0;
    while (reaped < CHILDREN) {
        char byte;
        struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
        if (poll(&waits, 1, -1) < 0) {
            expect(errno == EINTR);
            continue;
        }
        while (read(pipes[0], &byte, 1) < 0)
            expect(errno == EINTR);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            reaped++;
    }
    say("reaped %d\n", reaped);
    return argument;
}

static void *forks(void *argument)
{
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        signal(SIGCHLD, SIG_DFL);
        _exit(0);
    }
    return argument;
}

int main(void)
{
    pthread_t forkers[CHILDREN];
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_NOCLDSTOP};
    must_sys(pipe(pipes));
    must_sys(sigaction(SIGCHLD, &action, NULL));
    pthread_t reaper = start(reaps, NULL);
    start_many(forkers, CHILDREN, forks);
    join_many(forkers, CHILDREN);
    join(reaper);
    signal(SIGCHLD, SIG_IGN);
    join(start(forks, NULL));
    while (waitpid(-1, NULL, 0) != -1)
        ;
    say("%s\n", error_name(errno));
    return finished();
}
