/* SPDX-License-Identifier: MIT */
/* pthread_kill, pthread_sigqueue and tgkill reach their thread and no other, with the right
 * value, whether it waits or runs; and pthread_kill's errors. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 50 };

static pthread_t threads[THREADS];
static sem_t acknowledged;
static pthread_barrier_t ready;
static volatile int received[THREADS];
static __thread int mine = -1;
static int stop;

static void handle(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    (void)number;
    (void)context;
    if (info->si_code == SI_QUEUE)
        expect(info->si_value.sival_int == mine * 10);
    expect(info->si_pid == getpid());
    received[mine]++;
    sem_post(&acknowledged);
    errno = saved;
}

static void *waits(void *argument)
{
    mine = index_of(argument);
    pthread_barrier_wait(&ready);
    expect(pthread_equal(pthread_self(), threads[mine]));
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        if (mine % 3 == 0)
            usleep(100000);
        else if (mine % 3 == 1)
            sched_yield();
        else
            pause();
    }
    return NULL;
}

static void *ends_at_once(void *argument)
{
    return argument;
}

static void signal_all(int way)
{
    for (int i = 0; i < THREADS; i++) {
        union sigval value = {.sival_int = i * 10};
        if (way == 0)
            must(pthread_kill(threads[i], SIGUSR1));
        else
            must(pthread_sigqueue(threads[i], SIGUSR1, value));
        while (sem_wait(&acknowledged))
            ;
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    must_sys(sem_init(&acknowledged, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must(pthread_barrier_init(&ready, NULL, THREADS + 1));
    start_many(threads, THREADS, waits);
    pthread_barrier_wait(&ready);
    settle();
    signal_all(0);
    signal_all(1);
    show(pthread_kill(threads[0], 0));
    show(pthread_kill(threads[0], 77));
    show(pthread_kill(threads[0], -1));
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < THREADS; i++)
        expect(received[i] == 2);
    /* Once may not be enough: the thread may be just about to pause. */
    for (int i = 0; i < THREADS; i++)
        while (pthread_tryjoin_np(threads[i], NULL) == EBUSY) {
            pthread_kill(threads[i], SIGUSR1);
            usleep(100);
        }
    pthread_t ended = start(ends_at_once, NULL);
    settle();
    show(pthread_kill(ended, 0));
    join(ended);
    return finished();
}
