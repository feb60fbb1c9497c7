/* SPDX-License-Identifier: MIT */
/* A child of a process with threads makes threads of its own, all of which block a signal, and are all that runs;
 * its main thread, which waits, takes the signal when the parent sends it to the child. */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 8 };

static sem_t sent;
static volatile sig_atomic_t handled;
static atomic_bool stop;

static void handle(int signal)
{
    (void)signal;
    handled = 1;
    sem_post(&sent);
}

static void block_usr1(void)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
}

static void *blocks_and_runs(void *argument)
{
    struct timespec moment = {0, 500000};
    block_usr1();
    while (!atomic_load(&stop))
        nanosleep(&moment, NULL);
    return argument;
}

/* In the child. Says that it is ready, most likely when its threads have run, and waits. */
static void run_child(int ready)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, blocks_and_runs);
    settle();
    must_sys(write(ready, "r", 1));
    sem_wait(&sent); /* interrupted or posted */
    expect(handled);
    atomic_store(&stop, true);
    join_many(threads, THREADS);
    _exit(finished());
}

int main(void)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = handle};
    int ready[2], status;
    char byte;
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must_sys(sem_init(&sent, 0, 0));
    must_sys(pipe(ready));
    start_many(threads, THREADS, blocks_and_runs);
    settle();
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        run_child(ready[1]);
    must_sys(read(ready[0], &byte, 1));
    settle(); /* it most likely waits by now */
    must_sys(kill(child, SIGUSR1));
    must_sys(waitpid(child, &status, 0));
    say("child: %d\n", status);
    atomic_store(&stop, true);
    join_many(threads, THREADS);
    return finished();
}
