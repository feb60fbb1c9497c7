/* SPDX-License-Identifier: MIT */
/* pthread_exit in main leaves the threads running; the last one ends the process with status 0. */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 40 };

static pthread_t main_thread;
static sem_t turn[THREADS + 1];
static int rounds;

static void at_exit(void)
{
    say("atexit after %d threads\n", rounds);
}

static void *routine(void *argument)
{
    int i = index_of(argument);
    sem_wait(&turn[i]);
    if (i == 0)
        say("main's value %ld\n", (long)join(main_thread));
    rounds++;
    if (i + 1 < THREADS)
        sem_post(&turn[i + 1]);
    else
        say("last thread\n");
    return NULL;
}

int main(void)
{
    pthread_t thread;
    atexit(at_exit);
    main_thread = pthread_self();
    for (int i = 0; i <= THREADS; i++)
        sem_init(&turn[i], 0, 0);
    for (int i = 0; i < THREADS; i++) {
        thread = start(routine, (void *)(intptr_t)i);
        pthread_detach(thread);
    }
    sem_post(&turn[0]);
    pthread_exit((void *)77);
}
