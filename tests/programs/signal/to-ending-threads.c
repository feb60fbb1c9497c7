/* SPDX-License-Identifier: MIT */
/* Signals of the process while threads start, block them for a while, and end: none is lost. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "check.h"

enum { SIGNALS = 20000, AT_ONCE = 3, STARTERS = 4 };

static atomic_int sent, handled, finished_sending;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    must(pthread_sigmask(how, &set, NULL));
}

/* It inherits a mask that blocks them. Every other one ends without. */
static void *lives_shortly(void *argument)
{
    static atomic_int count;
    mask(SIG_UNBLOCK);
    if (atomic_fetch_add(&count, 1) % 2)
        mask(SIG_BLOCK);
    return argument;
}

static void *starts(void *argument)
{
    while (!atomic_load(&finished_sending)) {
        pthread_t threads[AT_ONCE];
        start_many(threads, AT_ONCE, lives_shortly);
        join_many(threads, AT_ONCE);
    }
    return argument;
}

static void *sends(void *argument)
{
    for (int i = 0; i < SIGNALS; i++) {
        must_sys(kill(getpid(), SIGRTMIN));
        atomic_fetch_add(&sent, 1);
        while (atomic_load(&handled) < i - 8)
            sched_yield();
    }
    while (atomic_load(&handled) < SIGNALS)
        sched_yield();
    atomic_store(&finished_sending, 1);
    return argument;
}

int main(void)
{
    pthread_t starters[STARTERS];
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    must_sys(sigaction(SIGRTMIN, &action, NULL));
    mask(SIG_BLOCK);
    start_many(starters, STARTERS, starts);
    join(start(sends, NULL));
    join_many(starters, STARTERS);
    say("sent %d, handled %d\n", atomic_load(&sent), atomic_load(&handled));
    return finished();
}
