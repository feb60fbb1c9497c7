/* SPDX-License-Identifier: MIT */
/* A signal of the process reaches a thread that begins to compute at just that moment: its handler runs while
 * it computes, not when it next waits. */
#include <sched.h>
#include <signal.h>

#include "check.h"

enum { ROUNDS = 1000 };

static volatile sig_atomic_t handled;
static int round_begun;

static void handle(int number)
{
    (void)number;
    handled++;
}

/* Waits for moments only, so that it is often just being resumed when the signal comes. */
static void *computes(void *argument)
{
    sigset_t usr1;
    int late = 0;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
    for (int round = 1; round <= ROUNDS && !late; round++) {
        __atomic_store_n(&round_begun, round, __ATOMIC_SEQ_CST);
        usleep((useconds_t)(round % 60));
        int64_t begin = now_ns();
        while (handled < round && !late)
            late = now_ns() - begin > 5 * SECOND;
    }
    say("late: %d\n", late);
    __atomic_store_n(&round_begun, ROUNDS + 1, __ATOMIC_SEQ_CST);
    return argument;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t usr1;
    must_sys(sigaction(SIGUSR1, &action, NULL));
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    pthread_t thread = start(computes, NULL);
    for (int sent = 0; sent < ROUNDS;) {
        int begun = __atomic_load_n(&round_begun, __ATOMIC_SEQ_CST);
        if (begun > ROUNDS)
            break;
        if (begun <= sent) {
            sched_yield();
            continue;
        }
        for (volatile int pause = 0; pause < begun % 97 * 200; pause++)
            ;
        must_sys(kill(getpid(), SIGUSR1));
        sent++;
    }
    join(thread);
    return finished();
}
