/* SPDX-License-Identifier: MIT */
/* fork within a signal handler that has interrupted a thread's wait: the child execs, or returns from the
 * handler and goes on waiting; the parent's wait is as if nothing had been. */
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

static int ends[2];
static sem_t forked;
static volatile pid_t child;
static volatile bool returns;

static void forks(int number)
{
    int saved = errno;
    (void)number;
    child = fork();
    if (child == 0 && !returns)
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
    if (child > 0)
        sem_post(&forked);
    errno = saved;
}

static void *reads(void *argument)
{
    char byte = 0;
    ssize_t got = recv(ends[0], &byte, 1, 0);
    if (child == 0) /* the child has come back from the handler, and the call went on */
        _exit(got == 1 && byte == 'p' ? 6 : 7);
    say("read %zd %c\n", got, byte);
    return argument;
}

static void interrupt(bool goes_on)
{
    int status;
    returns = goes_on;
    pthread_t thread = start(reads, NULL);
    settle();
    must(pthread_kill(thread, SIGUSR1));
    while (sem_wait(&forked))
        ;
    must_sys(write(ends[1], "pp", goes_on ? 2 : 1)); /* one for each that reads */
    must_sys(waitpid(child, &status, 0));
    join(thread);
    say("child %d, signal %d\n", WEXITSTATUS(status), WTERMSIG(status));
}

int main(void)
{
    struct sigaction action = {.sa_handler = forks, .sa_flags = SA_RESTART};
    must_sys(sem_init(&forked, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    interrupt(false);
    interrupt(true);
    return finished();
}
