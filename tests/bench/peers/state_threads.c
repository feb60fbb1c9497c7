/* SPDX-License-Identifier: MIT */
/* The same echo as demos/echo on State Threads. Debian's library is built without epoll: it has select(),
 * for descriptors below 1,024, and poll(). */
#include "listener.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <st.h>
#include <sys/socket.h>

static void *echo(void *argument)
{
    st_netfd_t socket = argument;
    char buffer[4096];
    ssize_t got;

    while ((got = st_read(socket, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(socket, buffer, (size_t)got, ST_UTIME_NO_TIMEOUT) != got)
            break;
    st_netfd_close(socket);
    return NULL;
}

int main(int count, char **arguments)
{
    st_netfd_t listener;
    int on = 1;

    if (count != 2)
        errx(2, "usage: state_threads PORT");
    signal(SIGPIPE, SIG_IGN);
    if (st_set_eventsys(ST_EVENTSYS_POLL) < 0 || st_init() < 0)
        err(1, "st_init");
    listener = st_netfd_open_socket(listener_open(arguments[1]));
    if (!listener)
        err(1, "st_netfd_open_socket");
    for (;;) {
        st_netfd_t socket = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);

        if (!socket)
            continue;
        setsockopt(st_netfd_fileno(socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!st_thread_create(echo, socket, 0, 0))
            st_netfd_close(socket);
    }
}
