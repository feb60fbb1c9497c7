/* SPDX-License-Identifier: MIT */
/* A child has none of its parent's timers: one of its own that the kernel gives the same number signals the
 * child's thread. */
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { MOST = 200, TICKS = 5 };

static __thread int is_mine;
static volatile int mine, others;
static timer_t of_parent;
static sem_t ticked;

static void handle(int number)
{
    (void)number;
    if (is_mine)
        mine++;
    else
        others++;
    sem_post(&ticked);
}

static timer_t make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    timer_t timer;
    event._sigev_un._tid = gettid();
    must_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
    return timer;
}

static void *has_a_timer(void *argument)
{
    struct itimerspec often = {{0, 2 * MILLISECOND}, {0, 2 * MILLISECOND}};
    timer_t timer = make_timer();
    is_mine = 1;
    for (int i = 0; i < MOST && timer != of_parent; i++) { /* until the numbers meet */
        must_sys(timer_delete(timer));
        timer = make_timer();
    }
    must_sys(timer_settime(timer, 0, &often, NULL));
    for (int i = 0; i < TICKS; i++)
        while (sem_wait(&ticked))
            ;
    must_sys(timer_delete(timer));
    return argument;
}

static void *forks(void *argument)
{
    int status;
    for (int i = 0; i < 10; i++) {
        of_parent = make_timer();
        if (i < 9)
            must_sys(timer_delete(of_parent));
    }
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        join(start(has_a_timer, NULL));
        expect(mine >= TICKS && others == 0);
        _exit(finished());
    }
    must_sys(waitpid(child, &status, 0));
    say("exited %d, %d\n", WIFEXITED(status), WEXITSTATUS(status));
    must_sys(timer_delete(of_parent));
    return argument;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sem_init(&ticked, 0, 0);
    must_sys(sigaction(SIGUSR1, &action, NULL));
    join(start(forks, NULL));
    return finished();
}
