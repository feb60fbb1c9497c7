/* SPDX-License-Identifier: MIT */
/* SIGBUS and the like, sent by kill(2) to the process: an ordinary signal, which any thread takes that does not
 * block it. */
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { ROUNDS = 300, CHILDREN = 30 };

static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
static sem_t handled;
static volatile int taken;

static void handle(int number)
{
    (void)number;
    taken++;
    sem_post(&handled);
}

static void send(int number)
{
    must_sys(kill(getpid(), number));
    while (sem_wait(&handled))
        ;
}

static void *sends(void *argument)
{
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            send(faults[i]);
    return argument;
}

static void *sends_one(void *argument)
{
    send(SIGBUS);
    return argument;
}

/* Sent while everything is just being started. */
static void in_fresh_child(void)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        join(start(sends_one, NULL));
        _exit(7);
    }
    must_sys(waitpid(child, &status, 0));
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sem_init(&handled, 0, 0);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        signal(faults[i], handle);
        sigaddset(&set, faults[i]);
    }
    for (int i = 0; i < CHILDREN; i++)
        in_fresh_child();
    pthread_t thread = start(sends, NULL);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL)); /* it may take some until here */
    join(thread);
    say("%d taken\n", taken);
    return finished();
}
