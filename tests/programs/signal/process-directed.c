/* SPDX-License-Identifier: MIT */
/* kill() of the process: delivered once, to a thread that does not block it; here there is just
 * one such thread among thirty, first a created one, then main. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 30, SIGNALS = 20 };

static sem_t acknowledged;
static volatile sig_atomic_t handled, on_wrong_thread;
static __thread bool takes_signals;
static pthread_barrier_t ready;
static int stop;

static void handle(int number)
{
    (void)number;
    handled++;
    on_wrong_thread += !takes_signals;
    sem_post(&acknowledged);
}

static void *waits(void *argument)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    if (index_of(argument) == 7) {
        takes_signals = true;
        must(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
    }
    pthread_barrier_wait(&ready);
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
        usleep(5000);
    return NULL;
}

static void send_all(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        must_sys(kill(getpid(), SIGUSR1));
        while (sem_wait(&acknowledged))
            ;
    }
    say("handled %d, wrongly %d\n", handled, on_wrong_thread);
}

int main(void)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = handle};
    sigset_t usr1;
    must_sys(sem_init(&acknowledged, 0, 0));
    must(pthread_barrier_init(&ready, NULL, THREADS + 1));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    start_many(threads, THREADS, waits);
    pthread_barrier_wait(&ready);
    send_all();
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    join_many(threads, THREADS);
    takes_signals = true;
    must(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
    send_all();
    return finished();
}
