/* SPDX-License-Identifier: MIT */
/* MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC, SO_RCVLOWAT, on streams and datagrams. */
#include "net.h"

static int stream[2], datagram[2];
static pthread_barrier_t step;

static void *sends(void *argument)
{
    pthread_barrier_wait(&step);
    settle();
    must_sys(send(stream[1], "abc", 3, 0));
    settle();
    must_sys(send(stream[1], "defgh", 5, 0));
    pthread_barrier_wait(&step);
    must_sys(send(stream[1], "ij", 2, 0));
    must_sys(shutdown(stream[1], SHUT_WR));
    settle();
    must_sys(send(datagram[1], "a long datagram", 15, 0));
    must_sys(send(datagram[1], "", 0, 0));
    must_sys(send(datagram[1], "second", 6, 0));
    return argument;
}

static void *receives(void *argument)
{
    char buffer[32] = "";
    show_sys(recv(stream[0], buffer, 8, MSG_DONTWAIT));
    pthread_barrier_wait(&step);
    show_sys(recv(stream[0], buffer, 1, MSG_PEEK));
    say("peeked %.1s\n", buffer);
    show_sys(recv(stream[0], buffer, 8, MSG_PEEK | MSG_WAITALL) >= 3);
    show_sys(recv(stream[0], buffer, 8, MSG_WAITALL));
    say("%.8s\n", buffer);
    pthread_barrier_wait(&step);
    show_sys(recv(stream[0], buffer, 8, MSG_WAITALL));
    show_sys(recv(stream[0], buffer, 8, MSG_WAITALL));
    show_sys(recv(stream[0], buffer, 0, 0));
    show_sys(recv(datagram[0], buffer, 6, MSG_PEEK | MSG_TRUNC));
    show_sys(recv(datagram[0], buffer, 6, 0));
    show_sys(recv(datagram[0], buffer, 6, 0));
    show_sys(recv(datagram[0], buffer, sizeof buffer, MSG_WAITALL));
    say("%.6s\n", buffer);
    show_sys(recv(datagram[0], buffer, 6, MSG_DONTWAIT));
    return argument;
}

int main(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
    must_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram));
    must(pthread_barrier_init(&step, NULL, 2));
    pthread_t both[2] = {start(sends, NULL), start(receives, NULL)};
    join_many(both, 2);
    return finished();
}
