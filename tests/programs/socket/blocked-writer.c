/* SPDX-License-Identifier: MIT */
/* A writer that waits for room when its peer closes gets what it had sent, then EPIPE. */
#include <signal.h>

#include "net.h"

enum { PAIRS = 16 };

static int ends[PAIRS][2];

static void *writes(void *argument)
{
    static char block[4 << 20];
    int fd = ends[index_of(argument)][0];
    ssize_t n = send(fd, block, sizeof block, 0);
    expect(n > 0 && n < (ssize_t)sizeof block);
    expect(send(fd, block, 1, 0) == -1 && (errno == EPIPE || errno == ECONNRESET));
    return NULL;
}

int main(void)
{
    pthread_t threads[PAIRS];
    char byte;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < PAIRS; i++)
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
    start_many(threads, PAIRS, writes);
    for (int i = 0; i < PAIRS; i++) {
        must_sys(recv(ends[i][1], &byte, 1, 0));
        close(ends[i][1]);
    }
    join_many(threads, PAIRS);
    return finished();
}
