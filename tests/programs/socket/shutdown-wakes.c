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

/* More than fits: a part of it has been sent when it ends. */
static void *sends(void *argument)
{
    static char bytes[4 << 20];
    int *socket = argument;
    ssize_t sent = send(*socket, bytes, sizeof bytes, MSG_NOSIGNAL);
    say("a part sent: %d\n", sent > 0 && sent < (ssize_t)sizeof bytes);
    return NULL;
}

static void writer(int how)
{
    int pair[2];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    struct pollfd begun = {.fd = pair[1], .events = POLLIN};
    pthread_t sender = start(sends, &pair[0]);
    expect(poll(&begun, 1, -1) == 1);
    must_sys(shutdown(pair[0], how));
    join(sender);
    close(pair[0]);
    close(pair[1]);
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
    writer(SHUT_WR);
    writer(SHUT_RDWR);
    say("accept %s\n", error_name(index_of(join(acceptor))));
    return finished();
}
