/* SPDX-License-Identifier: MIT */
/* alarm, setitimer and timer_create (signal, thread) with threads about. */
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>

#include "check.h"

static sem_t rung;
static pthread_t expected;
static volatile sig_atomic_t on_wrong_thread;

static void handle(int number)
{
    (void)number;
    on_wrong_thread += !pthread_equal(expected, pthread_self());
    sem_post(&rung);
}

static void wait_for(const char *what, int64_t begin, int at_least_ms)
{
    while (sem_wait(&rung))
        ;
    say("%s %s, wrong thread %d\n", what, elapsed_word(begin, at_least_ms), on_wrong_thread);
}

static void notify(union sigval value)
{
    expect(!pthread_equal(pthread_self(), expected));
    expect(value.sival_int == 33);
    sem_post(&rung);
}

static void *idles(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, NULL));
    while (sem_trywait(argument))
        usleep(2000);
    return NULL;
}

static void *uses_timers(void *argument)
{
    struct itimerval once = {.it_value = {0, 40000}}, rest;
    struct itimerspec forty = {.it_value = {0, 40 * MILLISECOND}};
    timer_t timer;
    sigset_t alrm;
    sigemptyset(&alrm);
    sigaddset(&alrm, SIGALRM);
    expected = pthread_self();
    must(pthread_sigmask(SIG_UNBLOCK, &alrm, NULL));
    int64_t begin = now_ns();
    show_sys(setitimer(ITIMER_REAL, &once, NULL));
    wait_for("setitimer", begin, 39);
    show_sys(alarm(100));
    say("alarm left %d\n", alarm(0) >= 99);
    show_sys(getitimer(ITIMER_REAL, &rest));
    say("left %d\n", (int)(rest.it_value.tv_sec + rest.it_value.tv_usec));

    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    show_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
    begin = now_ns();
    show_sys(timer_settime(timer, 0, &forty, NULL));
    wait_for("SIGEV_SIGNAL", begin, 40);
    show_sys(timer_delete(timer));

    event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify};
    event.sigev_value.sival_int = 33;
    show_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
    begin = now_ns();
    show_sys(timer_settime(timer, 0, &forty, NULL));
    wait_for("SIGEV_THREAD", begin, 40);
    show_sys(timer_delete(timer));
    return argument;
}

int main(void)
{
    pthread_t threads[10];
    sem_t stop;
    struct sigaction action = {.sa_handler = handle};
    sigset_t alrm;
    must_sys(sem_init(&rung, 0, 0));
    must_sys(sem_init(&stop, 0, 0));
    must_sys(sigaction(SIGALRM, &action, NULL));
    sigemptyset(&alrm);
    sigaddset(&alrm, SIGALRM);
    must(pthread_sigmask(SIG_BLOCK, &alrm, NULL));
    for (int i = 0; i < 10; i++)
        threads[i] = start(idles, &stop);
    join(start(uses_timers, NULL));
    expected = pthread_self();
    uses_timers(NULL);
    for (int i = 0; i < 10; i++)
        sem_post(&stop);
    join_many(threads, 10);
    return finished();
}
