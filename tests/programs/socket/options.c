/* SPDX-License-Identifier: MIT */
/* Options and flags of sockets are what the program set and nothing else, before and after blocking use:
 * F_GETFL, time-outs, SO_REUSEADDR, low-water marks, errors that are read once. */
#include "net.h"

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) ? -errno : value;
}

static void show_all(const char *what, int fd)
{
    struct timeval receive, send;
    socklen_t length = sizeof receive;
    must_sys(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, &length));
    must_sys(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, &length));
    say("%s: flags %x %x, reuse %d, keep alive %d, no delay %d, low water %d, error %d, type %d, "
        "accepts %d, times %ld.%06ld %ld.%06ld\n",
        what, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), option(fd, SOL_SOCKET, SO_REUSEADDR),
        option(fd, SOL_SOCKET, SO_KEEPALIVE), option(fd, IPPROTO_TCP, TCP_NODELAY),
        option(fd, SOL_SOCKET, SO_RCVLOWAT), option(fd, SOL_SOCKET, SO_ERROR), option(fd, SOL_SOCKET, SO_TYPE),
        option(fd, SOL_SOCKET, SO_ACCEPTCONN), (long)receive.tv_sec, (long)receive.tv_usec, (long)send.tv_sec,
        (long)send.tv_usec);
}

static int listening;
static pthread_barrier_t turn; /* one prints at a time */

static void *accepts(void *argument)
{
    char byte;
    int fd = (int)must_sys(accept(listening, NULL, NULL));
    pthread_barrier_wait(&turn);
    show_all("accepted", fd);
    must_sys(read(fd, &byte, 1));
    must_sys(write(fd, &byte, 1));
    show_all("used", fd);
    pthread_barrier_wait(&turn);
    close(fd);
    fd = (int)must_sys(accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    show_all("accepted with flags", fd);
    close(fd);
    return argument;
}

static void *fails(void *argument)
{
    int value = 1;
    socklen_t length = sizeof value;
    struct timeval bad = {1, 1000000}, negative = {-1, 0};
    show_sys(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, length));
    show_sys(setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &value, 1));
    show_sys(setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, bad_pointer, length));
    show_sys(setsockopt(listening, SOL_SOCKET, 9999, &value, length));
    show_sys(setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
    show_sys(setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &value, length));
    show_sys(setsockopt(listening, SOL_SOCKET, SO_SNDTIMEO, &negative, sizeof negative));
    show_sys(setsockopt(listening, 9999, 1, &value, length));
    show_sys(getsockopt(listening, SOL_SOCKET, SO_TYPE, &value, bad_pointer));
    show_sys(socket(AF_INET, 77, 0));
    show_sys(socket(9999, SOCK_STREAM, 0));
    show_sys(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
    show_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer));
    show_sys(accept4(listening, NULL, NULL, 1));
    return argument;
}

int main(void)
{
    char byte;
    must(pthread_barrier_init(&turn, NULL, 2));
    listening = listener(5);
    show_all("listening", listening);
    pthread_t thread = start(accepts, NULL);
    settle();
    int fd = connected_to(listening);
    show_all("connected", fd);
    pthread_barrier_wait(&turn);
    set_timeout(fd, SO_RCVTIMEO, 60000);
    set_timeout(fd, SO_SNDTIMEO, 61500);
    must_sys(write(fd, "x", 1));
    must_sys(read(fd, &byte, 1));
    pthread_barrier_wait(&turn);
    show_all("used", fd);
    show_sys(read(fd, &byte, 1));
    close(fd);
    fd = connected_to(listening);
    join(thread);
    close(fd);
    show_all("listening", listening);
    join(start(fails, NULL));
    return finished();
}
