/* SPDX-License-Identifier: MIT */
/* tee copies what a pipe holds and leaves it there; vmsplice moves memory into a pipe; both wait for data
 * or room, or do not, and say what is wrong. */
#include <fcntl.h>
#include <sys/uio.h>

#include "check.h"

static int from[2], to[2];

static void show_content(int fd)
{
    char text[64] = "";
    long got = must_sys(read(fd, text, sizeof text - 1));
    say("%ld bytes: %s\n", got, text);
}

static void *waits_for_data(void *argument)
{
    show_sys(tee(from[0], to[1], 100, 0));
    show_content(to[0]);
    show_content(from[0]);
    return argument;
}

static void *waits_for_room(void *argument)
{
    static char page[4096] = "page";
    struct iovec part = {page, sizeof page};
    long sent = 0;
    for (int i = 0; i < 40; i++)
        sent += must_sys(vmsplice(to[1], &part, 1, 0));
    say("sent %ld\n", sent);
    return argument;
}

static void *fails(void *argument)
{
    char byte = 0;
    struct iovec part = {&byte, 1}, bad = {bad_pointer, 1};
    show_sys(tee(from[0], to[1], 10, SPLICE_F_NONBLOCK));
    show_sys(tee(from[0], from[1], 10, 0));
    show_sys(tee(-1, to[1], 10, 0));
    show_sys(tee(from[0], to[1], 0, 0));
    show_sys(vmsplice(-1, &part, 1, 0));
    show_sys(vmsplice(to[1], &bad, 1, 0));
    show_sys(vmsplice(to[1], &part, 1, 0xff00));
    show_sys(vmsplice(to[1], &part, 0, 0));
    int zero = (int)must_sys(open("/dev/zero", O_RDWR));
    show_sys(vmsplice(zero, &part, 1, 0));
    show_sys(tee(zero, to[1], 1, 0));
    close(zero);
    return argument;
}

int main(void)
{
    must_sys(pipe(from));
    must_sys(pipe(to));
    pthread_t thread = start(waits_for_data, NULL);
    settle();
    must_sys(write(from[1], "something", 9));
    join(thread);
    thread = start(waits_for_room, NULL);
    char block[4096];
    for (long total = 0; total < 40 * 4096;)
        total += must_sys(read(to[0], block, sizeof block));
    join(thread);
    join(start(fails, NULL));
    fails(NULL);
    return finished();
}
