/* SPDX-License-Identifier: MIT */
/* A signal whose default action ends the process, also one that mostly is a fault, once accepted by threads that
 * waited with a mask of their own, or have ended: when all threads block it, it stays pending, and is taken from
 * there, also at once. */
#include <poll.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 6, ROUNDS = 20 };

static const int signals[] = {SIGUSR1, SIGBUS};
static sigset_t both;

static void *waits_with_none(void *argument)
{
    sigset_t none;
    struct timespec moment = {0, 3000000};
    sigemptyset(&none);
    expect(ppoll(NULL, 0, &moment, &none) == 0);
    return argument;
}

static void *unblocks_and_ends(void *argument)
{
    must(pthread_sigmask(SIG_UNBLOCK, &both, NULL));
    settle();
    return argument;
}

static void *sends_and_takes(void *argument)
{
    struct timespec none = {0, 0};
    for (int i = 0; i < 2; i++) {
        must_sys(kill(getpid(), signals[i]));
        expect(sigtimedwait(&both, NULL, &none) == signals[i]);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    sigemptyset(&both);
    for (int i = 0; i < 2; i++)
        sigaddset(&both, signals[i]);
    must(pthread_sigmask(SIG_BLOCK, &both, NULL));
    for (int round = 0; round < ROUNDS; round++) {
        start_many(threads, THREADS, round % 2 ? waits_with_none : unblocks_and_ends);
        join_many(threads, THREADS);
        join(start(sends_and_takes, NULL));
    }
    return finished();
}
