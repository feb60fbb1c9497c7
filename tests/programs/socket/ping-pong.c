/* SPDX-License-Identifier: MIT */
/* A hundred pairs play ping-pong over Unix and TCP sockets: a wake-up lost would hang the
 * program. */
#include "net.h"

enum { PAIRS = 100, ROUNDS = 100 };

static int ends[PAIRS][2];

static void *plays(void *argument)
{
    int i = index_of(argument), fd = ends[i / 2][i % 2];
    unsigned char ball = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (i % 2 == 0)
            must_sys(round % 2 ? write(fd, &ball, 1) : send(fd, &ball, 1, 0));
        expect((round % 3 ? read(fd, &ball, 1) : recv(fd, &ball, 1, 0)) == 1);
        if (i % 2) {
            ball++;
            must_sys(send(fd, &ball, 1, 0));
        }
    }
    expect(i % 2 || ball == ROUNDS % 256);
    return NULL;
}

int main(void)
{
    pthread_t threads[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        if (i % 4)
            must_sys(socketpair(AF_UNIX, i % 3 ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends[i]));
        else
            tcp_pair(ends[i]);
    }
    start_many(threads, 2 * PAIRS, plays);
    join_many(threads, 2 * PAIRS);
    return finished();
}
