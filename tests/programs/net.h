/* SPDX-License-Identifier: MIT */
/* Loopback sockets on ports that the kernel chooses. */
#ifndef NET_H
#define NET_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "check.h"

static inline struct sockaddr_in loopback(uint16_t port_in_network_order)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port_in_network_order};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline struct sockaddr_in address_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    must_sys(getsockname(fd, (struct sockaddr *)&address, &length));
    return address;
}

static inline int bound_socket(int type)
{
    struct sockaddr_in address = loopback(0);
    int fd = (int)must_sys(socket(AF_INET, type, 0));
    must_sys(bind(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

static inline int listener(int backlog)
{
    int fd = bound_socket(SOCK_STREAM);
    must_sys(listen(fd, backlog));
    return fd;
}

static inline int connected_to(int listening)
{
    struct sockaddr_in address = address_of(listening);
    int fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    must_sys(connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

/* Two ends of one TCP connection. */
static inline void tcp_pair(int ends[2])
{
    int listening = listener(1);
    ends[0] = connected_to(listening);
    ends[1] = (int)must_sys(accept(listening, NULL, NULL));
    close(listening);
}

static inline void set_timeout(int fd, int option, int ms)
{
    struct timeval timeout = {ms / 1000, ms % 1000 * 1000};
    must_sys(setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout));
}

/* The status flags that a program can change: blocking use must leave them as they were. */
static inline const char *blocking_word(int fd)
{
    return must_sys(fcntl(fd, F_GETFL)) & O_NONBLOCK ? "non-blocking" : "blocking";
}

#endif
