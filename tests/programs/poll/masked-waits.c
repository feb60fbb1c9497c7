/* SPDX-License-Identifier: MIT */
/* ppoll, pselect and epoll_pwait exchange the signal mask atomically: a blocked pending signal
 * ends the wait with EINTR, and the old mask is back afterwards. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "check.h"

static int pipes[2], set;
static volatile sig_atomic_t handled;
static volatile nfds_t one = 1; /* volatile: checked at run time where fortified */

static void handle(int number)
{
    (void)number;
    handled++;
}

static void after(const char *what, int result)
{
    int error = errno;
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    say("%s -> %d %s, handled %d, blocked again %d\n", what, result,
        result == -1 ? error_name(error) : "", handled, sigismember(&mask, SIGUSR1));
}

static void *routine(void *argument)
{
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    struct epoll_event event;
    struct timespec long_time = {1000, 0}, short_time = {0, 10 * MILLISECOND};
    sigset_t none, all;
    fd_set in;
    sigemptyset(&none);
    sigfillset(&all);
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    handled = 0;
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("still blocked: %d\n", handled);
    after("ppoll", ppoll(&waits, one, &long_time, &none));
    must(pthread_kill(pthread_self(), SIGUSR1));
    after("pselect", pselect(pipes[0] + 1, &in, NULL, NULL, &long_time, &none));
    must(pthread_kill(pthread_self(), SIGUSR1));
    after("epoll_pwait", epoll_pwait(set, &event, 1, -1, &none));
    must(pthread_kill(pthread_self(), SIGUSR1));
    after("ppoll, all blocked", ppoll(&waits, one, &short_time, &all));
    after("ppoll, no mask", ppoll(&waits, one, &short_time, NULL));
    after("ppoll", ppoll(&waits, one, &short_time, &none));
    return argument;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t usr1;
    must_sys(pipe(pipes));
    set = (int)must_sys(epoll_create1(0));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
