/* SPDX-License-Identifier: MIT */
/* Urgent data on TCP: the mark, MSG_OOB, SO_OOBINLINE, POLLPRI. */
#include <poll.h>

#include "net.h"

static int ends[2];

static void *receives(void *argument)
{
    char text[8] = "";
    struct pollfd waits = {.fd = ends[1], .events = POLLPRI};
    show_sys(poll(&waits, 1, 5000));
    say("revents %x\n", (unsigned)waits.revents);
    show_sys(recv(ends[1], text, 1, MSG_OOB));
    say("urgent %.1s\n", text);
    show_sys(recv(ends[1], text, sizeof text, 0));
    show_sys(sockatmark(ends[1]));
    show_sys(recv(ends[1], text, 2, MSG_WAITALL));
    say("%.2s\n", text);
    return argument;
}

int main(void)
{
    tcp_pair(ends);
    pthread_t thread = start(receives, NULL);
    must_sys(send(ends[0], "ab", 2, 0));
    must_sys(send(ends[0], "!", 1, MSG_OOB));
    must_sys(send(ends[0], "cd", 2, 0));
    join(thread);
    return finished();
}
