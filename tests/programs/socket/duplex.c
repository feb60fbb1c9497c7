/* SPDX-License-Identifier: MIT */
/* One thread reads and another writes on the same socket, both blocked at the same time. */
#include "net.h"

enum { SIZE = 1 << 20 };

static int ends[2];

static void *writes(void *argument)
{
    static char block[SIZE];
    expect(write(index_of(argument), block, SIZE) == SIZE);
    return NULL;
}

static void *reads(void *argument)
{
    char *block = malloc(SIZE);
    expect(recv(index_of(argument), block, SIZE, MSG_WAITALL) == SIZE);
    free(block);
    return NULL;
}

int main(void)
{
    for (int i = 0; i < 5; i++) {
        if (i % 2)
            tcp_pair(ends);
        else
            must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        pthread_t threads[4];
        for (int k = 0; k < 2; k++) {
            threads[2 * k] = start(reads, (void *)(intptr_t)ends[k]);
            threads[2 * k + 1] = start(writes, (void *)(intptr_t)ends[k]);
        }
        join_many(threads, 4);
        close(ends[0]);
        close(ends[1]);
    }
    return finished();
}
