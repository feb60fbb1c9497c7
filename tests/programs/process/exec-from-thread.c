/* SPDX-License-Identifier: MIT */
/* A thread replaces the process while others wait in every way: the new program's output and
 * status, the same process id, no descriptor left over, signal mask and ignored signals
 * inherited. */
#include <signal.h>
#include <sys/socket.h>

#include "check.h"

static int pipes[2], ends[2];

static void *waits(void *argument)
{
    char byte;
    if (index_of(argument) % 3 == 0)
        read(pipes[0], &byte, 1);
    else if (index_of(argument) % 3 == 1)
        recv(ends[0], &byte, 1, 0);
    else
        sleep(1000);
    return NULL;
}

static void *executes(void *argument)
{
    char command[200];
    settle();
    close(pipes[0]);
    close(pipes[1]);
    show_sys(execl("/no/such/program", "x", (char *)NULL));
    snprintf(command, sizeof command,
             "test $$ = %d && echo same process; echo /proc/self/fd/*; "
             "grep SigBlk /proc/self/status; exit 9", (int)getpid());
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    return argument;
}

int main(void)
{
    pthread_t threads[30];
    sigset_t mask;
    must_sys(pipe(pipes));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    start_many(threads, 30, waits);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    join(start(executes, NULL));
    return 1;
}
