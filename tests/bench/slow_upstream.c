/* SPDX-License-Identifier: MIT */
/* The slow upstream of the http demo: reads one line from each connection, answers it after a fixed
 * time and closes. One thread, because it must not be what is measured. As all wait equally long,
 * those who came first are answered first, and a plain queue holds them. */
#include "dial.h"
#include "latency.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 1200 };

struct caller {
    struct caller *next;
    int socket;
    uint64_t due;
    size_t length;
    char line[LINE];
};

static struct caller *first, **last = &first;
static uint64_t delay;
static int events;

static int listen_anywhere(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        err(1, "listen");
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void forget(struct caller *caller)
{
    close(caller->socket);
    free(caller);
}

static void admit(int listener)
{
    int socket;

    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct caller *caller = calloc(1, sizeof *caller);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = caller };

        if (!caller)
            err(1, "out of memory");
        caller->socket = socket;
        if (epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) < 0)
            err(1, "epoll_ctl");
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        err(1, "accept");
}

static void hear(struct caller *caller)
{
    ssize_t got = recv(caller->socket, caller->line + caller->length, LINE - caller->length, 0);

    if (got <= 0 || (caller->length += (size_t)got) == LINE) {
        forget(caller);
    } else if (caller->line[caller->length - 1] == '\n') {
        epoll_ctl(events, EPOLL_CTL_DEL, caller->socket, NULL);
        caller->due = latency_now() + delay;
        *last = caller;
        last = &caller->next;
    }
}

/* Returns the milliseconds until the next answer is due, -1 when nobody waits. */
static int answer_those_due(void)
{
    while (first && first->due <= latency_now()) {
        struct caller *caller = first;
        char answer[LINE + 32];
        int length = snprintf(answer, sizeof answer, "upstream has heard %.*s",
                              (int)caller->length, caller->line);

        first = caller->next;
        if (!first)
            last = &first;
        send(caller->socket, answer, (size_t)length, MSG_NOSIGNAL);
        forget(caller);
    }
    return first ? (int)((first->due - latency_now()) / 1000000) + 1 : -1;
}

int main(int count, char **arguments)
{
    struct epoll_event ready[256] = { { .events = EPOLLIN } };
    int listener;

    if (count != 2)
        errx(2, "usage: slow_upstream MILLISECONDS");
    delay = strtoul(arguments[1], NULL, 10) * 1000000;
    dial_prepare(0);
    listener = listen_anywhere();
    events = epoll_create1(EPOLL_CLOEXEC);
    if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, listener, &ready[0]) < 0)
        err(1, "epoll");
    for (;;) {
        int got = epoll_wait(events, ready, 256, answer_those_due());

        for (int i = 0; i < got; i++) {
            if (ready[i].data.ptr)
                hear(ready[i].data.ptr);
            else
                admit(listener);
        }
    }
}
