/* SPDX-License-Identifier: MIT */
/* Which signals a clean-up handler finds blocked that runs because of a cancellation in a call
 * with a temporary mask; and a signal that was sent meanwhile is for the handlers' time. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "cancelling.h"

static sigset_t temporary;

static void say_mask(void *name)
{
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    say("in the handler of %s: USR1 %d, USR2 %d, TERM %d\n", (const char *)name,
        sigismember(&mask, SIGUSR1), sigismember(&mask, SIGUSR2), sigismember(&mask, SIGTERM));
}

static void in_ppoll(void)
{
    pthread_cleanup_push(say_mask, "ppoll");
    ppoll(NULL, 0, NULL, &temporary);
    pthread_cleanup_pop(0);
}

static void in_pselect(void)
{
    pthread_cleanup_push(say_mask, "pselect");
    pselect(0, NULL, NULL, NULL, NULL, &temporary);
    pthread_cleanup_pop(0);
}

static void in_sigsuspend(void)
{
    pthread_cleanup_push(say_mask, "sigsuspend");
    sigsuspend(&temporary);
    pthread_cleanup_pop(0);
}

static void in_epoll_pwait(void)
{
    struct epoll_event event;
    int set = epoll_create1(0);
    pthread_cleanup_push(say_mask, "epoll_pwait");
    epoll_pwait(set, &event, 1, -1, &temporary);
    pthread_cleanup_pop(0);
}

static void in_pause(void)
{
    pthread_cleanup_push(say_mask, "pause");
    pause();
    pthread_cleanup_pop(0);
}

static const struct blocking_call calls[] = {
    {"ppoll", in_ppoll},
    {"pselect", in_pselect},
    {"sigsuspend", in_sigsuspend},
    {"epoll_pwait", in_epoll_pwait},
    {"pause", in_pause},
};

int main(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    sigemptyset(&temporary);
    sigaddset(&temporary, SIGUSR2);
    CANCEL_IN_EACH(calls, NULL);
    return finished();
}
