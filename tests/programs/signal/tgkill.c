/* SPDX-License-Identifier: MIT */
/* tgkill by name: reaches a thread by the id that it has told, and no other; errors; ids of threads that
 * have ended are not found. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 10 };

static pid_t ids[THREADS];
static volatile int received[THREADS];
static sem_t known, handled, leave;
static __thread int mine = -1;

static void handle(int number)
{
    expect(number == SIGUSR1 && mine >= 0 && gettid() == ids[mine]);
    received[mine]++;
    sem_post(&handled);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore))
        ;
}

static void *has_an_id(void *argument)
{
    mine = index_of(argument);
    ids[mine] = gettid();
    sem_post(&known);
    wait_for(&leave);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    sem_init(&known, 0, 0);
    sem_init(&handled, 0, 0);
    sem_init(&leave, 0, 0);
    signal(SIGUSR1, handle);
    start_many(threads, THREADS, has_an_id);
    for (int i = 0; i < THREADS; i++)
        wait_for(&known);
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < THREADS; i++) {
            must_sys(tgkill(getpid(), ids[i], SIGUSR1));
            wait_for(&handled);
            expect(received[i] == round + 1);
        }
    show_sys(tgkill(getpid(), ids[3], 0));
    show_sys(tgkill(getpid(), ids[3], 99));
    show_sys(tgkill(getpid(), -1, SIGUSR1));
    show_sys(tgkill(getpid(), 0, SIGUSR1));
    show_sys(tgkill(-1, ids[3], SIGUSR1));
    show_sys(tgkill(getppid(), ids[3], SIGUSR1));
    show_sys(tgkill(getpid(), getpid(), 0));
    for (int i = 0; i < THREADS; i++)
        sem_post(&leave);
    join_many(threads, THREADS);
    show_sys(tgkill(getpid(), ids[3], SIGUSR1));
    return finished();
}
