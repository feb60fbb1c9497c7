/* SPDX-License-Identifier: MIT */
/* What a thread has taken itself before it asks is not there any more: neither poll nor select says so, although
 * the news of its coming may still be under way. */
#include <poll.h>
#include <sys/select.h>

#include "net.h"

enum { THREADS = 8, ROUNDS = 300, SHORT = 1000 /* us */ };

static int polled(int fd)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
}

static int selected(int fd)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(fd, &in);
    return select(fd + 1, &in, NULL, NULL, &(struct timeval){0, SHORT});
}

static void *takes_and_asks(void *argument)
{
    int ends[2];
    char byte;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    for (int round = 0; round < ROUNDS; round++) {
        must_sys(write(ends[1], "x", 1));
        if (round % 3)
            expect(read(ends[0], &byte, 1) == 1);
        else
            expect(recv(ends[0], &byte, 1, MSG_DONTWAIT) == 1);
        expect((round % 2 ? polled : selected)(ends[0]) == 0);
    }
    close(ends[0]);
    close(ends[1]);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, takes_and_asks);
    join_many(threads, THREADS);
    return finished();
}
