/* SPDX-License-Identifier: MIT */
/* A descriptor closed by another thread at any moment of a call. A call that has taken something
 * keeps the socket and gets the rest; one that has taken nothing yet gets what comes, or EBADF if
 * it was later than the close; it never waits for a file that is gone. */
#include <sys/ioctl.h>

#include "net.h"

enum { ROUNDS = 1500 };

static int ends[2];
static _Atomic bool begun;

static void *receives_two(void *argument)
{
    char text[2];
    (void)argument;
    return (void *)recv(ends[0], text, 2, MSG_WAITALL);
}

static void *receives_one(void *argument)
{
    char byte;
    (void)argument;
    begun = true;
    ssize_t result = recv(ends[0], &byte, 1, 0);
    return (void *)(result < 0 ? -(intptr_t)errno : result);
}

static void keeps_what_it_has(void)
{
    int broken = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int waiting = 1;
        char byte;
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        must_sys(send(ends[1], "a", 1, 0));
        pthread_t receiver = start(receives_two, NULL);
        while (waiting)
            must_sys(ioctl(ends[0], FIONREAD, &waiting));
        must_sys(close(ends[0]));
        broken += recv(ends[1], &byte, 1, MSG_DONTWAIT) != -1;
        broken += send(ends[1], "b", 1, MSG_NOSIGNAL) != 1;
        broken += (intptr_t)join(receiver) != 2;
        must_sys(close(ends[1]));
    }
    say("MSG_WAITALL: broken %d\n", broken);
}

static void comes_to_an_end(void)
{
    int strange = 0;
    for (int i = 0; i < ROUNDS; i++) {
        begun = false;
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        pthread_t receiver = start(receives_one, NULL);
        while (!begun)
            ;
        for (volatile int delay = 0; delay < i * 37 % 3000; delay++)
            ;
        must_sys(close(ends[0]));
        send(ends[1], "b", 1, MSG_NOSIGNAL);
        intptr_t result = (intptr_t)join(receiver);
        strange += result != 1 && result != -EBADF;
        must_sys(close(ends[1]));
    }
    say("one byte: strange %d\n", strange);
}

int main(void)
{
    keeps_what_it_has();
    comes_to_an_end();
    return finished();
}
