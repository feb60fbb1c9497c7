/* SPDX-License-Identifier: MIT */
/* Semaphores and a barrier in shared memory: threads of two processes pass a token to and fro. */
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { PAIRS = 8, ROUNDS = 100 };

static struct shared {
    sem_t gates[PAIRS][2];
    pthread_barrier_t both;
    int hops[PAIRS];
} *shared;

static int side;

static void *plays(void *argument)
{
    int i = index_of(argument);
    pthread_barrier_wait(&shared->both);
    for (int round = 0; round < ROUNDS; round++) {
        while (sem_wait(&shared->gates[i][side]))
            ;
        shared->hops[i]++;
        must_sys(sem_post(&shared->gates[i][!side]));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[PAIRS];
    pthread_barrierattr_t attr;
    int status;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAIRS; i++) {
        must_sys(sem_init(&shared->gates[i][0], 1, 1));
        must_sys(sem_init(&shared->gates[i][1], 1, 0));
    }
    must(pthread_barrierattr_init(&attr));
    must(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must(pthread_barrier_init(&shared->both, &attr, 2 * PAIRS));
    pid_t child = (pid_t)must_sys(fork());
    side = child == 0;
    start_many(threads, PAIRS, plays);
    join_many(threads, PAIRS);
    if (child == 0)
        _exit(0);
    must_sys(waitpid(child, &status, 0));
    for (int i = 0; i < PAIRS; i++)
        expect(shared->hops[i] == 2 * ROUNDS);
    say("status %d\n", status);
    return finished();
}
