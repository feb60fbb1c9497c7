/* SPDX-License-Identifier: MIT */
/* O_NONBLOCK by fcntl, ioctl, SOCK_NONBLOCK and accept4: EAGAIN at once, and off again it
 * blocks. */
#include <sys/ioctl.h>

#include "net.h"

static int ends[2];

static void *routine(void *argument)
{
    static char block[1 << 20];
    char byte;
    int on = 1, off = 0;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    show_sys(read(ends[0], &byte, 1));
    say("%s\n", blocking_word(ends[0]));
    expect(write(ends[0], block, sizeof block) < (ssize_t)sizeof block);
    show_sys(write(ends[0], block, sizeof block));
    show_sys(ioctl(ends[1], FIONBIO, &off));
    say("%s\n", blocking_word(ends[1]));
    show_sys(ioctl(ends[1], FIONBIO, &on));
    say("%s\n", blocking_word(ends[1]));
    close(ends[0]);
    close(ends[1]);

    int fd = listener(5);
    must_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
    show_sys(accept(fd, NULL, NULL));
    int client = connected_to(fd);
    must_sys(fcntl(fd, F_SETFL, 0));
    int served = (int)must_sys(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
    say("%s\n", blocking_word(served));
    show_sys(recv(served, &byte, 1, 0));
    say("%s\n", blocking_word(client));
    must_sys(fcntl(client, F_SETFL, O_NONBLOCK));
    int copy = dup(client);
    say("%s\n", blocking_word(copy));
    show_sys(recv(copy, &byte, 1, 0));
    close(client);
    close(copy);
    show_sys(recv(served, &byte, 1, MSG_WAITALL) <= 0);
    close(served);
    close(fd);
    return argument;
}

static void *blocks_after_all(void *argument)
{
    char byte;
    show_sys(read(ends[0], &byte, 1));
    return argument;
}

int main(void)
{
    join(start(routine, NULL));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    must_sys(fcntl(ends[0], F_SETFL, 0));
    pthread_t thread = start(blocks_after_all, NULL);
    settle();
    must_sys(write(ends[1], "x", 1));
    join(thread);
    return finished();
}
