/* SPDX-License-Identifier: MIT */
/* Which signals a clean-up handler finds blocked that runs because of a cancellation in a call
 * with a temporary mask: that mask is still in force. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "check.h"

static sigset_t temporary, found;
static int set;

static void look(void *argument)
{
    (void)argument;
    must(pthread_sigmask(SIG_SETMASK, NULL, &found));
}

static void in_ppoll(void)
{
    ppoll(NULL, 0, NULL, &temporary);
}

static void in_pselect(void)
{
    pselect(0, NULL, NULL, NULL, NULL, &temporary);
}

static void in_sigsuspend(void)
{
    sigsuspend(&temporary);
}

static void in_epoll_pwait(void)
{
    struct epoll_event event;
    epoll_pwait(set, &event, 1, -1, &temporary);
}

static void in_pause(void)
{
    pause();
}

static const struct {
    const char *name;
    void (*block)(void);
} calls[] = {
    {"ppoll", in_ppoll},           {"pselect", in_pselect},
    {"sigsuspend", in_sigsuspend}, {"epoll_pwait", in_epoll_pwait},
    {"pause", in_pause},
};

static void *routine(void *argument)
{
    pthread_cleanup_push(look, NULL);
    calls[index_of(argument)].block();
    pthread_cleanup_pop(0);
    return NULL;
}

/* Cancelled before it waits it has its own mask. Then another one is, a bit later. */
static void run(int which)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread = start(routine, (void *)(intptr_t)which);
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
        if (sigismember(&found, SIGUSR2) || calls[which].block == in_pause)
            break;
    }
    say("%s: USR1 %d, USR2 %d, TERM %d\n", calls[which].name, sigismember(&found, SIGUSR1),
        sigismember(&found, SIGUSR2), sigismember(&found, SIGTERM));
}

int main(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    sigemptyset(&temporary);
    sigaddset(&temporary, SIGUSR2);
    set = (int)must_sys(epoll_create1(0));
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++)
        run(i);
    return finished();
}
