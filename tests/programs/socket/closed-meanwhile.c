/* SPDX-License-Identifier: MIT */
/* A descriptor closed by another thread during a call: the call keeps the socket, gets what
 * arrives afterwards, and the peer sees the end only then. (A second byte that has been taken
 * away shows that the call is under way.) */
#include <sys/ioctl.h>

#include "net.h"

static int ends[2];

static void *receives(void *argument)
{
    char text[3] = "";
    show_sys(recv(ends[0], text, 2, MSG_WAITALL));
    say("%s\n", text);
    show_sys(recv(ends[0], text, 1, 0));
    return argument;
}

static void *polls_closed(void *argument)
{
    char byte;
    show_sys(close(ends[0]));
    show_sys(read(ends[0], &byte, 1));
    show_sys(fcntl(ends[0], F_GETFL));
    return argument;
}

int main(void)
{
    char byte;
    int waiting = 1;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(send(ends[1], "a", 1, 0));
    pthread_t receiver = start(receives, NULL);
    while (waiting) {
        must_sys(ioctl(ends[0], FIONREAD, &waiting));
        sched_yield();
    }
    show_sys(close(ends[0]));
    show_sys(recv(ends[1], &byte, 1, MSG_DONTWAIT));
    must_sys(send(ends[1], "b", 1, MSG_NOSIGNAL));
    join(receiver);
    show_sys(recv(ends[1], &byte, 1, 0));
    close(ends[1]);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    join(start(polls_closed, NULL));
    return finished();
}
