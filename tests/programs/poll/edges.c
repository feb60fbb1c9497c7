/* SPDX-License-Identifier: MIT */
/* What poll says of every kind of file and state: half-closed, reset, listening, connecting and unconnected sockets,
 * pipes without readers or writers, regular files, priority data, POLLRDHUP, negative and bad descriptors. */
#include <poll.h>

#include "net.h"

static void show_poll(const char *what, int fd, short events)
{
    struct pollfd waits = {.fd = fd, .events = events};
    int result = poll(&waits, 1, 20);
    say("%s: %d, %s%s%s%s%s%s%s\n", what, result, waits.revents & POLLIN ? "in " : "",
        waits.revents & POLLOUT ? "out " : "", waits.revents & POLLPRI ? "priority " : "",
        waits.revents & POLLRDHUP ? "half " : "", waits.revents & POLLHUP ? "hung " : "",
        waits.revents & POLLERR ? "error " : "", waits.revents & POLLNVAL ? "invalid " : "");
}

static void *looks(void *argument)
{
    const short all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;
    int ends[2], pipes[2];
    char byte;
    tcp_pair(ends);
    show_poll("idle", ends[0], all);
    must_sys(send(ends[1], "x", 1, MSG_OOB));
    show_poll("urgent", ends[0], POLLPRI);
    must_sys(shutdown(ends[1], SHUT_WR));
    show_poll("half-closed", ends[0], POLLIN | POLLRDHUP);
    show_poll("only out", ends[0], POLLOUT);
    must_sys(shutdown(ends[0], SHUT_WR));
    show_poll("closed both ways", ends[0], POLLRDHUP);
    close(ends[1]);
    close(ends[0]);
    tcp_pair(ends);
    struct linger at_once = {1, 0};
    must_sys(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    close(ends[1]);
    show_poll("reset", ends[0], POLLIN | POLLOUT);
    show_sys(read(ends[0], &byte, 1));
    close(ends[0]);
    int fd = listener(1), client;
    show_poll("listening", fd, POLLIN);
    client = connected_to(fd);
    show_poll("to accept", fd, POLLIN);
    close(client);
    close(fd);
    fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    show_poll("unconnected", fd, POLLIN | POLLOUT);
    close(fd);
    fd = bound_socket(SOCK_DGRAM);
    show_poll("datagrams", fd, POLLIN | POLLOUT);
    close(fd);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(write(ends[1], "x", 1));
    close(ends[1]);
    show_poll("data and end", ends[0], POLLIN);
    close(ends[0]);
    must_sys(pipe(pipes));
    show_poll("pipe", pipes[0], POLLIN);
    show_poll("pipe, out", pipes[1], POLLOUT);
    close(pipes[0]);
    show_poll("no reader", pipes[1], POLLOUT);
    close(pipes[1]);
    must_sys(pipe(pipes));
    close(pipes[1]);
    show_poll("no writer", pipes[0], POLLIN);
    close(pipes[0]);
    fd = (int)must_sys(open("/etc/passwd", O_RDONLY));
    show_poll("file", fd, POLLIN | POLLOUT);
    close(fd);
    fd = (int)must_sys(open("/dev/null", O_RDWR));
    show_poll("null", fd, POLLIN | POLLOUT);
    close(fd);
    show_poll("closed", fd, POLLIN);
    show_poll("negative", -1, POLLIN);
    struct pollfd waits;
    show_sys(poll(NULL, 0, 1));
    show_sys(poll(bad_pointer, 1, 0));
    volatile nfds_t far_too_many = (nfds_t)1 << 40;
    show_sys(poll(&waits, far_too_many, 0));
    return argument;
}

int main(void)
{
    join(start(looks, NULL));
    looks(NULL);
    return finished();
}
