/* SPDX-License-Identifier: MIT */
/* Looking at what is there takes nothing away: after a wait, a peek that gets less than it asked for, by each call, and
 * urgent data that is or is not there, the data can still be read. */
#include <poll.h>

#include "net.h"

static int ends[2], turn[2];

/* The other side writes only when the reader says that it is about to wait. */
static void *writes(void *argument)
{
    char what;
    while (read(turn[0], &what, 1) == 1) {
        settle();
        if (what == '!')
            must_sys(send(ends[0], "u", 1, MSG_OOB));
        must_sys(send(ends[0], "hello", 5, 0));
    }
    return argument;
}

static void let_write(const char *what)
{
    must_sys(write(turn[1], what, 1));
}

static void *reads(void *argument)
{
    char text[64];
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct pollfd waits = {.fd = ends[1], .events = POLLIN};
    for (int i = 0; i < 3; i++) {
        let_write("x");
        show_sys(recv(ends[1], text, sizeof text, MSG_PEEK));
        show_sys(recv(ends[1], text, sizeof text, MSG_PEEK));
        show_sys(recvmsg(ends[1], &message, MSG_PEEK));
        show_sys(recvfrom(ends[1], text, sizeof text, MSG_PEEK | MSG_DONTWAIT, NULL, NULL));
        show_sys(poll(&waits, 1, 5000));
        show_sys(recv(ends[1], text, 2, 0));
        show_sys(recv(ends[1], text, sizeof text, MSG_PEEK));
        show_sys(read(ends[1], text, sizeof text));
        show_sys(recv(ends[1], text, sizeof text, MSG_DONTWAIT));
        show_sys(poll(&waits, 1, 0));
    }
    let_write("x");
    show_sys(recv(ends[1], text, 1, MSG_PEEK));
    show_sys(recv(ends[1], text, 1, MSG_OOB)); /* none: that says nothing of the rest */
    show_sys(poll(&waits, 1, 5000));
    show_sys(recv(ends[1], text, sizeof text, 0));
    let_write("!");
    waits.events = POLLPRI;
    show_sys(poll(&waits, 1, 5000));
    show_sys(recv(ends[1], text, sizeof text, MSG_OOB));
    show_sys(recv(ends[1], text, 5, MSG_WAITALL));
    close(turn[1]);
    return argument;
}

int main(void)
{
    tcp_pair(ends);
    must_sys(pipe(turn));
    pthread_t writer = start(writes, NULL), reader = start(reads, NULL);
    join(reader);
    join(writer);
    return finished();
}
