/* SPDX-License-Identifier: MIT */
/* Forty threads receive from one datagram socket: each message reaches exactly one of them. */
#include "net.h"

enum { RECEIVERS = 40, MESSAGES = 2000 };

static int ends[2];
static unsigned char seen[MESSAGES];

static void *receives(void *argument)
{
    int number;
    for (;;) {
        expect(recv(ends[0], &number, sizeof number, 0) == sizeof number);
        if (number < 0)
            return argument;
        __atomic_fetch_add(&seen[number], 1, __ATOMIC_RELAXED);
    }
}

int main(void)
{
    pthread_t threads[RECEIVERS];
    int once = 0, stop = -1;
    must_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    start_many(threads, RECEIVERS, receives);
    for (int i = 0; i < MESSAGES; i++)
        must_sys(send(ends[1], &i, sizeof i, 0));
    for (int i = 0; i < RECEIVERS; i++)
        must_sys(send(ends[1], &stop, sizeof stop, 0));
    join_many(threads, RECEIVERS);
    for (int i = 0; i < MESSAGES; i++)
        once += seen[i] == 1;
    say("%d messages seen once\n", once);
    return finished();
}
