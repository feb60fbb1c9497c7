/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { PER_SOURCE = 4000, SPARE_DESCRIPTORS = 16 };

void dial_prepare(unsigned connections)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "setrlimit");
    if (limit.rlim_max < connections + SPARE_DESCRIPTORS)
        errx(2, "%u connections need more than the %ju descriptors allowed", connections,
             (uintmax_t)limit.rlim_max);
}

/* One address has some 28,000 ports for one destination, fewer while those of the last run still
 * linger in TIME_WAIT. Loopback has 16 million addresses: each run takes a few of its own. */
static struct sockaddr_in source_of(unsigned index)
{
    uint32_t run = (uint32_t)getpid() % 8000;

    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(0x7f010001 + run * 8 + index / PER_SOURCE % 8),
    };
}

int dial_start(unsigned index, unsigned port)
{
    struct sockaddr_in source = source_of(index);
    struct sockaddr_in target = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;
    int link = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (link < 0)
        return -errno;
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(link, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(link, (struct sockaddr *)&source, sizeof source) < 0 ||
        (connect(link, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)) {
        int error = errno;

        close(link);
        return -error;
    }
    return link;
}

int dial_outcome(int socket)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}
