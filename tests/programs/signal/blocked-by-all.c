/* SPDX-License-Identifier: MIT */
/* A signal whose default action ends the process, once accepted by threads that waited with a mask of their own,
 * or have ended: when all threads block it, it stays pending, and is taken from there,
 * also at once. */
#include <poll.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 6, ROUNDS = 20 };

static sigset_t usr1;

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
    must(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
    settle();
    return argument;
}

static void *sends_and_takes(void *argument)
{
    struct timespec none = {0, 0};
    must_sys(kill(getpid(), SIGUSR1));
    expect(sigtimedwait(&usr1, NULL, &none) == SIGUSR1);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    for (int round = 0; round < ROUNDS; round++) {
        start_many(threads, THREADS, round % 2 ? waits_with_none : unblocks_and_ends);
        join_many(threads, THREADS);
        join(start(sends_and_takes, NULL));
    }
    return finished();
}
