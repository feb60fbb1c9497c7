/* SPDX-License-Identifier: MIT */
/* Duplicates of a socket share it: dup, dup2 over a used number, dup3, F_DUPFD; the connection
 * ends only with the last one. */
#include "net.h"

static int ends[2];

static void *reads(void *argument)
{
    char text[8] = "";
    int fd = index_of(argument);
    expect(recv(fd, text, 3, MSG_WAITALL) == 3);
    say("%s\n", text);
    return NULL;
}

static void exchange(int to, int from, const char *text)
{
    pthread_t reader = start(reads, (void *)(intptr_t)from);
    settle();
    must_sys(write(to, text, 3));
    join(reader);
}

static void *routine(void *argument)
{
    int other[2];
    char byte;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
    int copy = (int)must_sys(dup(ends[0]));
    exchange(ends[1], copy, "dup");
    close(ends[0]);
    exchange(ends[1], copy, "one");
    int high = (int)must_sys(fcntl(copy, F_DUPFD_CLOEXEC, 500));
    expect(high >= 500 && fcntl(high, F_GETFD) == FD_CLOEXEC);
    exchange(ends[1], high, "two");
    /* The old other[0] is closed by this, so its peer sees the end. */
    expect(dup2(copy, other[0]) == other[0]);
    expect(read(other[1], &byte, 1) == 0);
    exchange(ends[1], other[0], "thr");
    expect(dup3(copy, 700, O_CLOEXEC) == 700);
    exchange(ends[1], 700, "fou");
    show_sys(dup3(copy, copy, 0));
    show_sys(dup2(copy, -1));
    show_sys(dup(-1));
    expect(dup2(copy, copy) == copy);
    close(copy);
    close(high);
    close(other[0]);
    show_sys(recv(ends[1], &byte, 1, MSG_DONTWAIT));
    close(700);
    show_sys(recv(ends[1], &byte, 1, 0));
    close(ends[1]);
    close(other[1]);
    return argument;
}

int main(void)
{
    join(start(routine, NULL));
    return finished();
}
