/* SPDX-License-Identifier: MIT */
/* Descriptor numbers are reused at once by other threads for other kinds of things: no state of
 * the old one may be left (drained, non-blocking, hung up, registered for readiness). */
#include <poll.h>

#include "net.h"

enum { THREADS = 20, ROUNDS = 60 };

static void ask(int ends[2], bool nonblocking)
{
    char byte;
    if (nonblocking) {
        must_sys(fcntl(ends[0], F_SETFL, O_NONBLOCK));
        expect(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    } else {
        must_sys(write(ends[1], "x", 1));
        expect(read(ends[0], &byte, 1) == 1);
    }
    close(ends[1]);
    if (nonblocking) { /* the end may be a moment on its way */
        struct pollfd waits = {.fd = ends[0], .events = POLLIN};
        expect(poll(&waits, 1, -1) == 1);
    }
    expect(read(ends[0], &byte, 1) == 0);
    close(ends[0]);
}

static void *routine(void *argument)
{
    int ends[2];
    for (int i = 0; i < ROUNDS; i++) {
        switch ((i + index_of(argument)) % 3) {
        case 0:
            must_sys(pipe(ends));
            break;
        case 1:
            must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
            break;
        default:
            tcp_pair(ends);
        }
        ask(ends, i % 2);
        if (i % 10 == 0) {
            int fd = (int)must_sys(open("/dev/zero", O_RDONLY));
            char byte = 1;
            expect(read(fd, &byte, 1) == 1 && byte == 0);
            close(fd);
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    return finished();
}
