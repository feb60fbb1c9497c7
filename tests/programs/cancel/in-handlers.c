/* SPDX-License-Identifier: MIT */
/* A cancellation comes while a handler for a signal runs: it acts in a call that the handler makes,
 * or in its computing if asynchronous, or after it. What the handlers interrupt here is no
 * cancellation point: glibc up to 2.40 makes whoever is in one asynchronous, his handlers too. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

static int never[2];
static volatile sig_atomic_t way, handled;
static sem_t ready, inside, cancelled;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void clean_up(void *where)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    say("clean-up %s, way %d, USR1 blocked %d\n", (const char *)where, (int)way,
        sigismember(&mask, SIGUSR1));
}

static void handle(int number)
{
    char byte;
    (void)number;
    pthread_cleanup_push(clean_up, "of the handler");
    if (way == 0) {
        sem_post(&inside);
        read(never[0], &byte, 1);
    } else if (way == 1) {
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
        sem_post(&inside);
        for (;;)
            ;
    } else {
        int old;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
        sem_post(&inside);
        while (sem_wait(&cancelled) < 0)
            ;
        pthread_setcancelstate(old, NULL);
    }
    pthread_cleanup_pop(0);
    handled = 1;
}

static void *computing(void *argument)
{
    pthread_cleanup_push(clean_up, "of the thread");
    sem_post(&ready);
    while (!handled)
        sched_yield();
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return argument;
}

static void *in_mutex(void *argument)
{
    pthread_cleanup_push(clean_up, "of the thread");
    sem_post(&ready);
    must(pthread_mutex_lock(&lock));
    pthread_mutex_unlock(&lock);
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return argument;
}

static void run(void *(*routine)(void *))
{
    handled = 0;
    must(pthread_mutex_lock(&lock));
    pthread_t thread = start(routine, NULL);
    must_sys(sem_wait(&ready));
    settle();
    must(pthread_kill(thread, SIGUSR1));
    must_sys(sem_wait(&inside));
    must(pthread_cancel(thread));
    if (way == 2)
        must_sys(sem_post(&cancelled));
    if (way == 2)
        must(pthread_mutex_unlock(&lock));
    expect(join(thread) == PTHREAD_CANCELED);
    if (way != 2)
        must(pthread_mutex_unlock(&lock));
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    must_sys(pipe(never));
    must_sys(sem_init(&ready, 0, 0));
    must_sys(sem_init(&inside, 0, 0));
    must_sys(sem_init(&cancelled, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    for (way = 0; way < 3; way++) {
        run(in_mutex);
        run(computing);
    }
    return finished();
}
