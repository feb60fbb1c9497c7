/* SPDX-License-Identifier: MIT */
/* The program's own epoll: level and edge triggered, one-shot, time-outs, errors. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "net.h"

static int set, pipes[2];

static void wait_once(int timeout)
{
    struct epoll_event events[4];
    int n = epoll_wait(set, events, 4, timeout);
    say("epoll_wait(%d) -> %d", timeout, n);
    for (int i = 0; i < n; i++)
        say(" %x/%u", events[i].events, events[i].data.u32);
    say("\n");
}

static void change(int operation, int fd, uint32_t events, uint32_t data)
{
    struct epoll_event event = {.events = events, .data.u32 = data};
    say("epoll_ctl -> %s\n", error_name(epoll_ctl(set, operation, fd, &event) ? errno : 0));
}

static void *routine(void *argument)
{
    char byte;
    struct epoll_event event;
    set = (int)must_sys(epoll_create1(EPOLL_CLOEXEC));
    must_sys(pipe(pipes));
    change(EPOLL_CTL_ADD, pipes[0], EPOLLIN, 1);
    change(EPOLL_CTL_ADD, pipes[0], EPOLLIN, 1);
    change(EPOLL_CTL_MOD, pipes[1], EPOLLIN, 1);
    change(EPOLL_CTL_ADD, 19999, EPOLLIN, 1);
    change(EPOLL_CTL_ADD, set, EPOLLIN, 1);
    int64_t begin = now_ns();
    wait_once(50);
    say("%s\n", elapsed_word(begin, 50));
    must_sys(write(pipes[1], "ab", 2));
    wait_once(-1);
    must_sys(read(pipes[0], &byte, 1));
    wait_once(-1);
    change(EPOLL_CTL_MOD, pipes[0], EPOLLIN | EPOLLET, 2);
    wait_once(-1);
    wait_once(0);
    must_sys(write(pipes[1], "c", 1));
    wait_once(-1);
    change(EPOLL_CTL_MOD, pipes[0], EPOLLIN | EPOLLONESHOT, 3);
    wait_once(-1);
    wait_once(20);
    change(EPOLL_CTL_MOD, pipes[0], EPOLLIN, 4);
    close(pipes[1]);
    wait_once(-1);
    show_sys(epoll_wait(set, &event, 0, 0));
    show_sys(epoll_wait(pipes[0], &event, 1, 0));
    show_sys(epoll_wait(-1, &event, 1, 0));
    show_sys(epoll_pwait(set, &event, 1, 10, NULL));
    struct timespec short_time = {0, 10 * MILLISECOND};
    show_sys(epoll_pwait2(set, &event, 1, &short_time, NULL));
    change(EPOLL_CTL_DEL, pipes[0], 0, 0);
    close(pipes[0]);
    close(set);
    return argument;
}

int main(void)
{
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
