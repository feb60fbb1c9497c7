/* SPDX-License-Identifier: MIT */
/* A ring of semaphores through thirty threads and main: a token goes round two hundred times. */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 30, ROUNDS = 200 };

static sem_t gates[THREADS + 1];
static int hops;

static void *passes(void *argument)
{
    int i = index_of(argument);
    for (int round = 0; round < ROUNDS; round++) {
        must_sys(sem_wait(&gates[i]));
        hops++;
        must_sys(sem_post(&gates[(i + 1) % (THREADS + 1)]));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i <= THREADS; i++)
        must_sys(sem_init(&gates[i], 0, i == 0));
    start_many(threads, THREADS, passes);
    passes((void *)(intptr_t)THREADS);
    join_many(threads, THREADS);
    say("%d hops\n", hops);
    return finished();
}
