/* SPDX-License-Identifier: MIT */
/* A hundred threads poll one pipe and a stop pipe: a byte wakes at least one, the end wakes
 * all; readiness is level-triggered, however often it is asked. */
#include <poll.h>

#include "net.h"

enum { THREADS = 100, BYTES = 500 };

static int data[2], stop[2], taken;

static void *polls(void *argument)
{
    struct pollfd fds[2] = {{.fd = data[0], .events = POLLIN}, {.fd = stop[0], .events = POLLIN}};
    char byte;
    for (;;) {
        expect(poll(fds, 2, -1) >= 1);
        if (fds[0].revents & POLLIN && read(data[0], &byte, 1) == 1)
            __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
        else if (fds[1].revents & POLLHUP)
            return argument;
    }
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(pipe2(data, O_NONBLOCK));
    must_sys(pipe(stop));
    start_many(threads, THREADS, polls);
    for (int i = 0; i < BYTES; i++) {
        must_sys(write(data[1], "x", 1));
        if (i % 50 == 0)
            usleep(500);
    }
    close(stop[1]);
    join_many(threads, THREADS);
    say("taken %d\n", taken);
    return finished();
}
