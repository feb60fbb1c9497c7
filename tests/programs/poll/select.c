/* SPDX-License-Identifier: MIT */
/* select and pselect: sets in and out, time-outs, EBADF, EINVAL, wake-up by another thread. */
#include <sys/select.h>

#include "net.h"

static int pipes[2], ends[2];

static int highest(void)
{
    return (pipes[0] > ends[0] ? pipes[0] : ends[0]) + 1;
}

static void *writes(void *argument)
{
    settle();
    must_sys(write(pipes[1], "x", 1));
    return argument;
}

static void *routine(void *argument)
{
    fd_set in, out;
    must_sys(pipe(pipes));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    FD_SET(ends[0], &in);
    struct timeval timeout = {0, 50000};
    int64_t begin = now_ns();
    show_sys(select(highest(), &in, NULL, NULL, &timeout));
    say("%s, left %d, set %d %d\n", elapsed_word(begin, 50),
        (int)(timeout.tv_sec + timeout.tv_usec), FD_ISSET(pipes[0], &in), FD_ISSET(ends[0], &in));
    pthread_t writer = start(writes, NULL);
    FD_SET(pipes[0], &in);
    FD_SET(ends[0], &in);
    show_sys(select(highest(), &in, NULL, NULL, NULL));
    say("set %d %d\n", !!FD_ISSET(pipes[0], &in), !!FD_ISSET(ends[0], &in));
    join(writer);
    FD_ZERO(&out);
    FD_SET(ends[0], &out);
    timeout = (struct timeval){5, 0};
    show_sys(select(highest(), &in, &out, NULL, &timeout));
    expect(timeout.tv_sec >= 3);
    timeout = (struct timeval){0, 20000};
    begin = now_ns();
    show_sys(select(0, NULL, NULL, NULL, &timeout));
    say("%s\n", elapsed_word(begin, 20));
    struct timespec short_time = {0, 30 * MILLISECOND};
    begin = now_ns();
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    show_sys(pselect(highest(), &in, NULL, NULL, &short_time, NULL));
    say("%s, unchanged %d\n", elapsed_word(begin, 30), short_time.tv_nsec == 30 * MILLISECOND);
    /* A low number: above the kernel's table of descriptors select ignores the bits. */
    int closed = (int)must_sys(dup(ends[0]));
    close(closed);
    FD_SET(closed, &in);
    show_sys(select(closed + 1, &in, NULL, NULL, &timeout));
    show_sys(select(-1, NULL, NULL, NULL, &timeout));
    timeout.tv_sec = -1;
    show_sys(select(0, NULL, NULL, NULL, &timeout));
    for (int i = 0; i < 2; i++) {
        close(pipes[i]);
        close(ends[i]);
    }
    return argument;
}

int main(void)
{
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
