/* SPDX-License-Identifier: MIT */
/* Handlers that interrupt malloc, with its lock held, and make calls that may hold their kernel
 * thread for a while: all who need malloc wait for them, and must not keep them from going on. */
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { WORKERS = 6, ROUNDS = 60 };

static int file;
static sem_t left;
static volatile bool stop;

static void handle(int number)
{
    int saved = errno;
    static char block[200000];
    (void)number;
    expect(pwrite(file, block, sizeof block, 0) == sizeof block);
    sched_yield();
    expect(fsync(file) == 0);
    expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    sem_post(&left);
    errno = saved;
}

static void *allocates(void *argument)
{
    while (!stop) {
        void *volatile kept = malloc(5000); /* more than the caches of the threads keep */
        free(kept);
    }
    return argument;
}

int main(void)
{
    pthread_t workers[WORKERS];
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    file = (int)must_sys(open("file", O_CREAT | O_RDWR, 0600));
    must_sys(sem_init(&left, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    expect(mallopt(M_ARENA_MAX, 1) == 1); /* the main thread's memory for all */
    start_many(workers, WORKERS, allocates);
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_kill(workers[i % WORKERS], SIGUSR1));
        while (sem_wait(&left) < 0)
            expect(errno == EINTR);
    }
    stop = true;
    join_many(workers, WORKERS);
    return finished();
}
