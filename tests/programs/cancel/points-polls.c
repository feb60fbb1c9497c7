/* SPDX-License-Identifier: MIT */
/* Cancelled in the waits for readiness, also those with a mask; the descriptors go on as before. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "cancelling.h"

static int pipes[2], set;
static sigset_t all_but_one;

static void in_pselect(void)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    pselect(pipes[0] + 1, &in, NULL, NULL, NULL, &all_but_one);
}

static void in_select_timed(void)
{
    struct timeval long_time = {100000, 0};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    select(pipes[0] + 1, &in, NULL, NULL, &long_time);
}

static void in_select_of_nothing(void)
{
    select(0, NULL, NULL, NULL, NULL);
}

static void in_ppoll(void)
{
    struct pollfd one = {.fd = pipes[0], .events = POLLIN};
    ppoll(&one, 1, NULL, &all_but_one);
}

static void in_ppoll_without_mask(void)
{
    struct timespec long_time = {100000, 0};
    struct pollfd one = {.fd = pipes[0], .events = POLLIN};
    ppoll(&one, 1, &long_time, NULL);
}

static void in_poll_of_nothing(void)
{
    poll(NULL, 0, 100000000);
}

static void in_epoll_pwait(void)
{
    struct epoll_event event;
    epoll_pwait(set, &event, 1, -1, &all_but_one);
}

static void in_epoll_pwait2(void)
{
    struct timespec long_time = {100000, 0};
    struct epoll_event event;
    epoll_pwait2(set, &event, 1, &long_time, NULL);
}

static void still_good(void)
{
    struct epoll_event event;
    struct pollfd one = {.fd = pipes[0], .events = POLLIN};
    char byte;
    must_sys(write(pipes[1], "x", 1));
    expect(poll(&one, 1, -1) == 1 && one.revents == POLLIN);
    expect(epoll_wait(set, &event, 1, -1) == 1);
    expect(read(pipes[0], &byte, 1) == 1);
    expect(epoll_wait(set, &event, 1, 0) == 0);
}

static const struct blocking_call calls[] = {
    {"pselect", in_pselect},
    {"select with a time", in_select_timed},
    {"select of nothing", in_select_of_nothing},
    {"ppoll", in_ppoll},
    {"ppoll without a mask", in_ppoll_without_mask},
    {"poll of nothing", in_poll_of_nothing},
    {"epoll_pwait", in_epoll_pwait},
    {"epoll_pwait2", in_epoll_pwait2},
};

int main(void)
{
    struct epoll_event in = {.events = EPOLLIN};
    must_sys(pipe(pipes));
    set = (int)must_sys(epoll_create1(0));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &in));
    sigfillset(&all_but_one);
    sigdelset(&all_but_one, SIGUSR1);
    CANCEL_IN_EACH(calls, still_good);
    return finished();
}
