/* SPDX-License-Identifier: MIT */
/* Bad descriptors, bad pointers, zero lengths, wrong kinds: an error as natively, never a
 * crash. */
#include "net.h"

static void *routine(void *argument)
{
    int ends[2], pipes[2];
    char text[8] = "";
    volatile int negative = -1;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(pipe(pipes));
    must_sys(send(ends[1], "abcd", 4, 0));
    show_sys(recv(-1, text, 1, 0));
    show_sys(recv(19999, text, 1, 0));
    show_sys(recv(2000000000, text, 1, 0));
    show_sys(recv(pipes[0], text, 1, 0));
    show_sys(send(pipes[1], text, 1, 0));
    show_sys(accept(ends[0], NULL, NULL));
    show_sys(accept(pipes[0], NULL, NULL));
    show_sys(accept(-1, NULL, NULL));
    show_sys(accept4(ends[0], NULL, NULL, 0x40000000));
    show_sys(listen(ends[0], 1));
    show_sys(recv(ends[0], bad_pointer, 1, 0));
    show_sys(read(ends[0], bad_pointer, 1));
    show_sys(send(ends[0], bad_pointer, 1, 0));
    show_sys(write(ends[0], bad_pointer, 1));
    show_sys(read(ends[0], text, 0));
    show_sys(write(ends[0], text, 0));
    show_sys(send(ends[0], text, 0, 0));
    show_sys(readv(ends[0], NULL, 0));
    show_sys(readv(ends[0], bad_pointer, 1));
    show_sys(readv(ends[0], NULL, negative));
    show_sys(lseek(ends[0], 0, SEEK_SET));
    show_sys(pread(ends[0], text, 1, 0));
    show_sys(recv(ends[0], text, 1, MSG_OOB));
    show_sys(read(ends[0], text, 8));
    show_sys(socket(12345, SOCK_STREAM, 0));
    show_sys(socketpair(AF_INET, SOCK_STREAM, 0, ends));
    show_sys(close(-1));
    show_sys(close(ends[0]));
    show_sys(close(ends[0]));
    show_sys(read(ends[0], text, 1));
    close(ends[1]);
    close(pipes[0]);
    close(pipes[1]);
    return argument;
}

int main(void)
{
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
