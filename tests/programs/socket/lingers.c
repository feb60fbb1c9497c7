/* SPDX-License-Identifier: MIT */
/* close with SO_LINGER waits for the acknowledgement or its time, and other threads go on. */
#include "net.h"

enum { CLOSERS = 20, WAITS = 20 };

static void linger(int fd, int seconds)
{
    struct linger value = {.l_onoff = 1, .l_linger = seconds};
    must_sys(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value));
}

/* The other side does not read: what is sent is not acknowledged, and close waits its second. */
static void *closes_in_vain(void *argument)
{
    static char block[65536];
    int ends[2];
    tcp_pair(ends);
    linger(ends[0], 1);
    while (send(ends[0], block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    int64_t began = now_ns();
    expect(close(ends[0]) == 0);
    expect(now_ns() - began > SECOND * 9 / 10);
    expect(now_ns() - began < 3 * SECOND);
    must_sys(close(ends[1]));
    return argument;
}

static void *closes_at_once(void *argument)
{
    char text[8];
    int ends[2];
    tcp_pair(ends);
    linger(ends[0], 5);
    must_sys(send(ends[0], "bye", 3, 0));
    int64_t began = now_ns();
    expect(close(ends[0]) == 0);
    expect(now_ns() - began < 2 * SECOND);
    expect(recv(ends[1], text, sizeof text, MSG_WAITALL) == 3);
    must_sys(close(ends[1]));
    return argument;
}

/* Data that was not read turns the close into a reset, which waits for nothing. */
static void *closes_unread(void *argument)
{
    char byte;
    int ends[2];
    tcp_pair(ends);
    linger(ends[0], 5);
    must_sys(send(ends[1], "unread", 6, 0));
    must_sys(recv(ends[0], &byte, 1, MSG_PEEK));
    int64_t began = now_ns();
    expect(close(ends[0]) == 0);
    expect(now_ns() - began < 2 * SECOND);
    expect(recv(ends[1], &byte, 1, 0) == -1 && errno == ECONNRESET);
    must_sys(close(ends[1]));
    return argument;
}

int main(void)
{
    pthread_t threads[CLOSERS];
    start_many(threads, CLOSERS, closes_in_vain);
    int64_t began = now_ns();
    for (int i = 0; i < WAITS; i++)
        join(start(closes_at_once, NULL));
    expect(now_ns() - began < 2 * SECOND);
    join_many(threads, CLOSERS);
    join(start(closes_unread, NULL));
    return finished();
}
