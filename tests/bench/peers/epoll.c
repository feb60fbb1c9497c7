/* SPDX-License-Identifier: MIT */
/* The same echo as demos/echo, hand-written on edge-triggered epoll, one thread. A short read has
 * drained the socket (epoll(7), questions and answers, 9), so a request costs one read, one write
 * and its share of a wait. */
#include "listener.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 4096

struct connection {
    int socket;
    char *unsent; /* BUFFER bytes, made when the peer first reads too slowly */
    size_t from, to;
};

static int events;

static void hang_up(struct connection *connection)
{
    close(connection->socket);
    free(connection->unsent);
    free(connection);
}

/* False when the connection has ended. What does not go out now is kept until there is room. */
static bool send_all(struct connection *connection, const char *bytes, size_t length)
{
    ssize_t sent = write(connection->socket, bytes, length);

    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == length)
        return true;
    if (!connection->unsent && !(connection->unsent = malloc(BUFFER)))
        return false;
    memmove(connection->unsent, bytes + sent, length - (size_t)sent);
    connection->from = 0;
    connection->to = length - (size_t)sent;
    return true;
}

static bool send_rest(struct connection *connection)
{
    size_t from = connection->from, to = connection->to;

    connection->from = connection->to = 0;
    return send_all(connection, connection->unsent + from, to - from);
}

static bool serve(struct connection *connection)
{
    char buffer[BUFFER];

    while (connection->from == connection->to) {
        ssize_t got = read(connection->socket, buffer, sizeof buffer);

        if (got < 0 && errno == EAGAIN)
            return true;
        if (got <= 0 || !send_all(connection, buffer, (size_t)got))
            return false;
        if ((size_t)got < sizeof buffer)
            return true;
    }
    return true;
}

static void admit(int listener)
{
    int socket, on = 1;

    while ((socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        struct epoll_event event = {
            .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
            .data.ptr = connection,
        };

        if (!connection)
            err(1, "connection");
        connection->socket = socket;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) < 0)
            err(1, "epoll_ctl");
    }
}

static void handle(struct connection *connection, uint32_t ready)
{
    bool open = true;

    if (connection->from < connection->to && (ready & EPOLLOUT))
        open = send_rest(connection);
    if (open && (ready & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP | EPOLLOUT)))
        open = serve(connection);
    if (!open || (ready & (EPOLLERR | EPOLLHUP)))
        hang_up(connection);
}

int main(int count, char **arguments)
{
    struct epoll_event ready[512], event = {.events = EPOLLIN};
    int listener;

    if (count != 2)
        errx(2, "usage: epoll PORT");
    signal(SIGPIPE, SIG_IGN);
    listener = listener_open(arguments[1]);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    events = epoll_create1(EPOLL_CLOEXEC);
    if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, listener, &event) < 0)
        err(1, "epoll");
    for (;;) {
        int found = epoll_wait(events, ready, 512, -1);

        for (int i = 0; i < found; i++) {
            if (ready[i].data.ptr)
                handle(ready[i].data.ptr, ready[i].events);
            else
                admit(listener);
        }
    }
}
