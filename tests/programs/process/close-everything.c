/* SPDX-License-Identifier: MIT */
/* Daemons close every descriptor, by a loop or by close_range, before and after they have
 * threads; waiting, sleeping and new sockets must go on working. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 12 };

static int ends[2];

static void *works(void *argument)
{
    char byte = 'x';
    usleep(2000);
    if (index_of(argument) % 2)
        expect(write(ends[1], &byte, 1) == 1);
    else
        expect(read(ends[0], &byte, 1) == 1);
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    expect(poll(&waits, 1, 5) <= 1);
    return NULL;
}

static void work(void)
{
    pthread_t threads[THREADS];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    say("lowest descriptors: %d %d\n", ends[0], ends[1]);
    start_many(threads, THREADS, works);
    join_many(threads, THREADS);
}

static void close_all(int way)
{
    if (way == 0)
        for (int fd = 3; fd < 20000; fd++)
            close(fd);
    else if (way == 1)
        must_sys(close_range(3, ~0u, 0));
    else
        closefrom(3);
}

int main(void)
{
    for (int way = 0; way < 3; way++) {
        int status;
        pid_t child = (pid_t)must_sys(fork());
        if (child == 0) {
            close_all(way);
            work();
            close_all(way);
            work();
            _exit(broken_expectations ? BROKEN_EXPECTATION : 0);
        }
        must_sys(waitpid(child, &status, 0));
        say("status %d\n", status);
    }
    close_all(0);
    work();
    close_all(1);
    work();
    return finished();
}
