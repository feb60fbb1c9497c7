/* SPDX-License-Identifier: MIT */
/* ppoll, pselect and epoll_pwait with a signal pending that their mask lets through: its handler runs only if
 * nothing is ready, and for epoll only if the call waits. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "check.h"

static volatile int handled;
static int ends[2], set;

static void handle(int number)
{
    (void)number;
    handled++;
}

static void report(const char *what, int result)
{
    say("%s: %d %s, handled %d\n", what, result, result < 0 ? error_name(errno) : "", handled);
}

static void try_all(const struct timespec *timeout, int milliseconds)
{
    sigset_t none;
    struct pollfd one = {ends[0], POLLIN, 0};
    struct epoll_event event;
    fd_set reads;
    sigemptyset(&none);
    for (int which = 0; which < 4; which++) {
        handled = 0;
        must(pthread_kill(pthread_self(), SIGUSR1));
        FD_ZERO(&reads);
        FD_SET(ends[0], &reads);
        switch (which) {
        case 0:
            report("ppoll", ppoll(&one, 1, timeout, &none));
            break;
        case 1:
            report("pselect", pselect(ends[0] + 1, &reads, NULL, NULL, timeout, &none));
            break;
        case 2:
            report("epoll_pwait", epoll_pwait(set, &event, 1, milliseconds, &none));
            break;
        case 3:
            report("epoll_pwait2", epoll_pwait2(set, &event, 1, timeout, &none));
            break;
        }
        must(pthread_sigmask(SIG_SETMASK, &none, NULL)); /* now it comes, if it has not */
        expect(handled == 1);
        sigaddset(&none, SIGUSR1);
        must(pthread_sigmask(SIG_SETMASK, &none, NULL));
        sigdelset(&none, SIGUSR1);
    }
}

static void *tries(void *argument)
{
    struct timespec now = {0, 0}, soon = {0, 10 * MILLISECOND};
    char byte;
    try_all(&now, 0);
    try_all(&soon, 10);
    try_all(NULL, -1);
    must_sys(write(ends[1], "x", 1));
    try_all(&now, 0);
    try_all(&soon, 10);
    try_all(NULL, -1);
    must_sys(read(ends[0], &byte, 1));
    return argument;
}

int main(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t one;
    signal(SIGUSR1, handle);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &one, NULL));
    must_sys(pipe(ends));
    set = (int)must_sys(epoll_create1(0));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    join(start(tries, NULL));
    tries(NULL);
    return finished();
}
