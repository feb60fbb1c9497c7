/* SPDX-License-Identifier: MIT */
/* EMFILE from accept, open, pipe, socket, dup and epoll_create with a small limit, and
 * recovery. */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "net.h"

enum { LIMIT = 64 };

static void *routine(void *argument)
{
    int listening = listener(100), fds[LIMIT + 1], count = 0, pipes[2];
    int waiting = connected_to(listening);
    struct rlimit limit = {LIMIT, LIMIT};
    must_sys(setrlimit(RLIMIT_NOFILE, &limit));
    while (count <= LIMIT && (fds[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    say("open: %s\n", error_name(errno));
    expect(fds[count - 1] == LIMIT - 1);
    show_sys(accept(listening, NULL, NULL));
    show_sys(pipe(pipes));
    show_sys(socket(AF_INET, SOCK_STREAM, 0));
    show_sys(dup(listening));
    show_sys(fcntl(listening, F_DUPFD, 0));
    show_sys(dup2(listening, LIMIT));
    show_sys(epoll_create1(0));
    expect(fopen("/dev/null", "r") == NULL && errno == EMFILE);
    close(fds[--count]);
    show_sys(pipe(pipes));
    int served = accept(listening, NULL, NULL);
    expect(served == LIMIT - 1);
    must_sys(send(served, "x", 1, 0));
    char byte;
    show_sys(recv(waiting, &byte, 1, 0));
    return argument;
}

int main(void)
{
    join(start(routine, NULL));
    return finished();
}
