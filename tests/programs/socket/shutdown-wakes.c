/* SPDX-License-Identifier: MIT */
/* shutdown by another thread wakes those who wait in recv, send, accept and poll. */
#include <poll.h>
#include <signal.h>

#include "net.h"

enum { WAITERS = 10 };

static int ends[2], listening;

static void *receives(void *argument)
{
    char byte;
    expect(recv(ends[0], &byte, 1, 0) == 0);
    return argument;
}

static void *polls(void *argument)
{
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    expect(poll(&waits, 1, -1) == 1);
    expect(waits.revents & POLLHUP);
    return argument;
}

static void *accepts(void *argument)
{
    int fd = accept(listening, NULL, NULL);
    return (void *)(intptr_t)(fd == -1 ? errno : 0);
}

int main(void)
{
    pthread_t receivers[WAITERS], pollers[WAITERS];
    tcp_pair(ends);
    listening = listener(5);
    start_many(receivers, WAITERS, receives);
    start_many(pollers, WAITERS, polls);
    pthread_t acceptor = start(accepts, NULL);
    settle();
    show_sys(shutdown(ends[0], SHUT_RDWR));
    show_sys(shutdown(listening, SHUT_RDWR));
    join_many(receivers, WAITERS);
    join_many(pollers, WAITERS);
    say("accept %s\n", error_name(index_of(join(acceptor))));
    return finished();
}
