/* SPDX-License-Identifier: MIT */
/* A handled signal ends every kind of sleep; what is left is told, and less than what was asked; alarms and timers
 * end the sleeps of the threads that take them. */
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>
#include <threads.h>

#include "check.h"

static sem_t handled, about_to_sleep;

static void handle(int number)
{
    (void)number;
    sem_post(&handled);
}

static void sleep_somehow(int way)
{
    struct timespec asked = {100, 0}, rest = {0, 0}, until = deadline_on(CLOCK_MONOTONIC, 100000);
    long result;
    switch (way) {
    case 0:
        show_sys(nanosleep(&asked, &rest));
        say("rest %d\n", rest.tv_sec > 50 && rest.tv_sec < 100);
        break;
    case 1:
        show(clock_nanosleep(CLOCK_MONOTONIC, 0, &asked, &rest));
        say("rest %d\n", rest.tv_sec > 50 && rest.tv_sec < 100);
        break;
    case 2:
        show(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &rest));
        say("rest %ld\n", (long)rest.tv_sec);
        break;
    case 3:
        result = sleep(100);
        say("sleep: rest %d\n", result > 50 && result <= 100);
        break;
    case 4: show_sys(usleep(100000000)); break;
    case 5:
        result = thrd_sleep(&asked, &rest);
        say("thrd_sleep: %ld, rest %d\n", result, rest.tv_sec > 50 && rest.tv_sec < 100);
        break;
    case 6: show_sys(pause()); break;
    default: show_sys(nanosleep(&asked, NULL));
    }
}

static void *sleeps(void *argument)
{
    sem_post(&about_to_sleep);
    sleep_somehow(index_of(argument));
    return NULL;
}

static void *takes_alarms(void *argument)
{
    sigset_t set;
    struct itimerval soon = {.it_value = {0, 30000}};
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    must_sys(setitimer(ITIMER_REAL, &soon, NULL));
    sleep_somehow(7);
    must_sys(sem_wait(&handled));
    alarm(1);
    sleep_somehow(6);
    must_sys(sem_wait(&handled));
    say("alarm %u\n", alarm(0));
    return argument;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigset_t set;
    must_sys(sem_init(&handled, 0, 0));
    must_sys(sem_init(&about_to_sleep, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must_sys(sigaction(SIGALRM, &action, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    for (int way = 0; way < 7; way++) {
        pthread_t thread = start(sleeps, (void *)(intptr_t)way);
        must_sys(sem_wait(&about_to_sleep));
        settle();
        do /* the first may come before the thread sleeps */
            must(pthread_kill(thread, SIGUSR1));
        while (usleep(50000), pthread_tryjoin_np(thread, NULL) == EBUSY);
        while (sem_trywait(&handled) == 0)
            ;
    }
    join(start(takes_alarms, NULL));
    return finished();
}
