/* SPDX-License-Identifier: MIT */
/* The highest numbers that the limit allows, got by dup2 and fcntl, work as any other: waiting, polling,
 * duplicating, closing by another thread. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "net.h"

static int high[2];

static void *reads(void *argument)
{
    char byte = 0;
    expect(recv(high[0], &byte, 1, 0) == 1);
    expect(read(high[0], &byte, 1) == 1);
    struct pollfd waits = {.fd = high[0], .events = POLLIN};
    expect(poll(&waits, 1, -1) == 1 && waits.revents == POLLIN);
    int set = (int)must_sys(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, high[0], &event));
    expect(epoll_wait(set, &event, 1, -1) == 1);
    close(set);
    expect(recv(high[0], &byte, 1, 0) == 1);
    show_sys(read(high[0], &byte, 1));
    return argument;
}

int main(void)
{
    struct rlimit limit;
    int ends[2];
    must_sys(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    must_sys(setrlimit(RLIMIT_NOFILE, &limit));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    high[0] = (int)must_sys(fcntl(ends[0], F_DUPFD, (int)limit.rlim_cur - 1));
    high[1] = (int)must_sys(dup2(ends[1], (int)limit.rlim_cur - 2));
    close(ends[0]);
    close(ends[1]);
    show_sys(dup2(high[0], (int)limit.rlim_cur));
    show_sys(fcntl(high[0], F_DUPFD, (int)limit.rlim_cur));
    show_sys(fcntl(high[0], F_DUPFD, (int)limit.rlim_cur - 1));
    pthread_t thread = start(reads, NULL);
    for (int i = 0; i < 3; i++) {
        settle();
        must_sys(write(high[1], "x", 1));
    }
    settle();
    close(high[1]);
    join(thread);
    /* Numbers that no table holds. */
    char byte;
    show_sys(read(1 << 30, &byte, 1));
    show_sys(recv(1 << 24, &byte, 1, 0));
    show_sys(close(102400));
    show_sys(dup2(high[0], 1 << 30));
    return finished();
}
