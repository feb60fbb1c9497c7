/* SPDX-License-Identifier: MIT */
/* The same echo as demos/echo on GNU Pth. It waits by select(), so it serves descriptors
 * below 1,024 only, and turns others away. */
#include "listener.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pth.h>
#include <signal.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void *echo(void *argument)
{
    int socket = (int)(intptr_t)argument;
    char buffer[4096];
    ssize_t got;

    while ((got = pth_read(socket, buffer, sizeof buffer)) > 0)
        if (pth_write(socket, buffer, (size_t)got) != got)
            break;
    close(socket);
    return NULL;
}

int main(int count, char **arguments)
{
    pth_attr_t attributes;
    int listener, on = 1;

    if (count != 2)
        errx(2, "usage: pth PORT");
    signal(SIGPIPE, SIG_IGN);
    if (!pth_init())
        err(1, "pth_init");
    attributes = pth_attr_new();
    pth_attr_set(attributes, PTH_ATTR_JOINABLE, FALSE);
    pth_attr_set(attributes, PTH_ATTR_STACK_SIZE, 64 * 1024);
    listener = listener_open(arguments[1]);
    for (;;) {
        int socket = pth_accept(listener, NULL, NULL);

        if (socket < 0)
            continue;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (socket >= FD_SETSIZE || !pth_spawn(attributes, echo, (void *)(intptr_t)socket))
            close(socket);
    }
}
