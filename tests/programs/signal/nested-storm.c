/* SPDX-License-Identifier: MIT */
/* Two signals of the process hit one thread again and again, the one in the middle of the other's
 * handler. Afterwards it must still take both when they are directed at it, running or waiting. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

enum { ROUNDS = 40, STORM = 300 };

static int pipes[2];
static sem_t handled;
static _Atomic int counts[2];
static volatile bool stop, calm;

static void handle(int number)
{
    counts[number == SIGUSR2]++;
    if (calm)
        sem_post(&handled);
}

static void let_in(int how)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    must(pthread_sigmask(how, &both, NULL));
}

/* Computes for a while, then waits for a byte. */
static void *takes(void *argument)
{
    let_in(SIG_UNBLOCK);
    while (!stop) {
        char byte;
        for (volatile int i = 0; i < 2000; i++)
            ;
        if (read(pipes[0], &byte, 1) < 0)
            expect(errno == EINTR);
    }
    return argument;
}

static void directed(pthread_t thread, int number)
{
    int before = counts[number == SIGUSR2];
    must(pthread_kill(thread, number));
    while (counts[number == SIGUSR2] == before)
        while (sem_wait(&handled) < 0)
            ;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    must_sys(pipe(pipes));
    must_sys(sem_init(&handled, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must_sys(sigaction(SIGUSR2, &action, NULL));
    let_in(SIG_BLOCK); /* this thread takes none */
    pthread_t thread = start(takes, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        calm = false;
        for (int i = 0; i < STORM; i++) {
            must_sys(kill(getpid(), i % 2 ? SIGUSR1 : SIGUSR2));
            if (i % 16 == 0)
                must_sys(write(pipes[1], "b", 1));
        }
        settle();
        calm = true;
        directed(thread, SIGUSR1);
        directed(thread, SIGUSR2);
    }
    stop = true;
    must_sys(write(pipes[1], "b", 1));
    join(thread);
    return finished();
}
