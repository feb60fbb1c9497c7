/* SPDX-License-Identifier: MIT */
/* Cancelled in the waits for signals: no signal is lost to them; one that is sent afterwards to
 * another thread, or to the process, gets there. */
#include <signal.h>

#include "cancelling.h"

static sigset_t usr1;

static void in_sigtimedwait(void)
{
    struct timespec long_time = {100000, 0};
    siginfo_t info;
    sigtimedwait(&usr1, &info, &long_time);
}

static void in_sigwaitinfo(void)
{
    siginfo_t info;
    sigwaitinfo(&usr1, &info);
}

static void in_sigwait(void)
{
    int number;
    sigwait(&usr1, &number);
}

static void in_sigsuspend(void)
{
    sigset_t mask;
    sigfillset(&mask);
    sigdelset(&mask, SIGUSR2);
    sigsuspend(&mask);
}

static void in_pause(void)
{
    pause();
}

static void *waits(void *argument)
{
    siginfo_t info;
    must_sys(sigwaitinfo(&usr1, &info));
    return argument;
}

static void still_good(void)
{
    pthread_t thread = start(waits, NULL);
    must(pthread_kill(thread, SIGUSR1));
    join(thread);
    thread = start(waits, NULL);
    must_sys(kill(getpid(), SIGUSR1));
    join(thread);
}

static const struct blocking_call calls[] = {
    {"sigtimedwait", in_sigtimedwait},
    {"sigwaitinfo", in_sigwaitinfo},
    {"sigwait", in_sigwait},
    {"sigsuspend", in_sigsuspend},
    {"pause", in_pause},
};

int main(void)
{
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    CANCEL_IN_EACH(calls, still_good);
    return finished();
}
