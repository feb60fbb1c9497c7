/* SPDX-License-Identifier: MIT */
/* timer_create with SIGEV_THREAD_ID: the signal comes to that thread and no other, computing, waiting for a
 * peer, or in sigtimedwait; with its value, and again after each period; by syscall(), too. A timer
 * of a thread that has ended signals nobody. */
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>

#include "check.h"

enum { BYSTANDERS = 10, TIMES = 5 };

static pthread_t expected;
static _Atomic int rung, elsewhere, strange;
static sem_t once_more;

static void handle(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    elsewhere += !pthread_equal(expected, pthread_self());
    strange += info->si_code != SI_TIMER || info->si_value.sival_int != 44;
    rung++;
    sem_post(&once_more);
}

static void *idles(void *gate)
{
    while (sem_wait(gate) < 0)
        ;
    return NULL;
}

static struct sigevent aimed_at_me(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event.sigev_value.sival_int = 44;
    event._sigev_un._tid = gettid();
    expected = pthread_self();
    rung = 0;
    return event;
}

static void set(timer_t timer, int first_ms, int period_ms)
{
    struct itimerspec times = {.it_value.tv_nsec = first_ms * MILLISECOND,
                               .it_interval.tv_nsec = period_ms * MILLISECOND};
    must_sys(timer_settime(timer, 0, &times, NULL));
}

static void compute_until(int count)
{
    while (rung < count)
        ;
}

static void wait_until(int count)
{
    while (rung < count)
        sem_wait(&once_more);
}

static void *has_timers(void *argument)
{
    struct sigevent event = aimed_at_me();
    timer_t timer;
    must_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
    set(timer, 20, 2);
    compute_until(TIMES);
    wait_until(2 * TIMES);
    must_sys(timer_delete(timer));
    say("computing and waiting: elsewhere %d, strange %d\n", elsewhere, strange);

    int number;
    event = aimed_at_me();
    must_sys(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number));
    struct itimerspec times = {.it_value.tv_nsec = 10 * MILLISECOND};
    must_sys(syscall(SYS_timer_settime, number, 0, &times, NULL));
    wait_until(1);
    must_sys(syscall(SYS_timer_delete, number));
    say("by syscall: elsewhere %d, strange %d\n", elsewhere, strange);
    return argument;
}

static void *takes_by_sigwait(void *argument)
{
    struct sigevent event = aimed_at_me();
    siginfo_t info;
    timer_t timer;
    sigset_t set_of_one;
    sigemptyset(&set_of_one);
    sigaddset(&set_of_one, SIGUSR2);
    event.sigev_signo = SIGUSR2; /* blocked by all */
    must_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
    set(timer, 10, 0);
    must_sys(sigwaitinfo(&set_of_one, &info));
    say("sigwaitinfo: code %d, value %d\n", info.si_code == SI_TIMER, info.si_value.sival_int);
    must_sys(timer_delete(timer));
    return argument;
}

static void *leaves_a_timer(void *timer)
{
    struct sigevent event = aimed_at_me();
    must_sys(timer_create(CLOCK_MONOTONIC, &event, timer));
    set(*(timer_t *)timer, 20, 0);
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    struct timespec while_it_expires = {0, 60 * MILLISECOND};
    pthread_t bystanders[BYSTANDERS];
    sem_t gate;
    timer_t left;
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    must_sys(sem_init(&gate, 0, 0));
    must_sys(sem_init(&once_more, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must(pthread_sigmask(SIG_BLOCK, &usr2, NULL));
    for (int i = 0; i < BYSTANDERS; i++)
        bystanders[i] = start(idles, &gate);
    join(start(has_timers, NULL));
    has_timers(NULL); /* of main's own */
    join(start(takes_by_sigwait, NULL));
    join(start(leaves_a_timer, &left));
    nanosleep(&while_it_expires, NULL);
    say("left behind: rung %d\n", rung);
    show_sys(timer_delete(left));
    for (int i = 0; i < BYSTANDERS; i++)
        sem_post(&gate);
    join_many(bystanders, BYSTANDERS);
    return finished();
}
