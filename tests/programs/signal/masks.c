/* SPDX-License-Identifier: MIT */
/* Signal masks belong to threads: inherited at creation, kept across a hundred threads' turns;
 * unblocking delivers what is pending before it returns. */
#include <signal.h>

#include "check.h"

enum { THREADS = 100, ROUNDS = 30 };

static pthread_barrier_t step;
/* Volatile, because the compiler takes pthread_sigmask for a function that cannot call back. */
static __thread volatile int handled;

static void handle(int number)
{
    (void)number;
    handled++;
}

static sigset_t mask_now(void)
{
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    return mask;
}

static void *keeps_its_mask(void *argument)
{
    int number = SIGRTMIN + index_of(argument) % 20;
    sigset_t mask = mask_now();
    expect(sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGUSR1));
    sigemptyset(&mask);
    sigaddset(&mask, number);
    must(pthread_sigmask(SIG_SETMASK, &mask, NULL));
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 10 == 0)
            pthread_barrier_wait(&step);
        else
            sched_yield();
        mask = mask_now();
        for (int other = SIGRTMIN; other < SIGRTMIN + 20; other++)
            expect(sigismember(&mask, other) == (other == number));
        expect(!sigismember(&mask, SIGUSR2));
    }
    return NULL;
}

static void *pending_ones(void *argument)
{
    sigset_t usr1, old;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    show(pthread_sigmask(SIG_BLOCK, &usr1, &old));
    must(pthread_kill(pthread_self(), SIGUSR1));
    must(pthread_kill(pthread_self(), SIGUSR1));
    sched_yield();
    say("while blocked %d\n", handled);
    show(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL));
    say("after unblocking %d\n", handled);
    show_sys(sigprocmask(SIG_BLOCK, &usr1, NULL));
    must_sys(raise(SIGUSR1));
    say("raised while blocked %d\n", handled);
    sigset_t none;
    sigemptyset(&none);
    show_sys(sigsuspend(&none));
    say("after sigsuspend %d\n", handled);
    sigset_t now = mask_now();
    say("blocked again %d\n", sigismember(&now, SIGUSR1));
    show(pthread_sigmask(77, &usr1, NULL));
    sigfillset(&now);
    must(pthread_sigmask(SIG_SETMASK, &now, NULL));
    now = mask_now();
    say("SIGKILL in the mask %d\n", sigismember(&now, SIGKILL));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = handle};
    sigset_t usr2;
    must_sys(sigaction(SIGUSR1, &action, NULL));
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    must(pthread_sigmask(SIG_BLOCK, &usr2, NULL));
    must(pthread_barrier_init(&step, NULL, THREADS));
    start_many(threads, THREADS, keeps_its_mask);
    join_many(threads, THREADS);
    join(start(pending_ones, NULL));
    return finished();
}
