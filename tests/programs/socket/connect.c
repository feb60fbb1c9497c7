/* SPDX-License-Identifier: MIT */
/* connect: refused, in progress, already connected, wrong family, no such path, on threads. */
#include <poll.h>

#include "net.h"

static int free_port_socket(void)
{
    /* Bound but not listening: whoever connects is refused. */
    return bound_socket(SOCK_STREAM);
}

static void *refused(void *argument)
{
    int bound = free_port_socket();
    struct sockaddr_in address = address_of(bound);
    int fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    show_sys(connect(fd, (struct sockaddr *)&address, sizeof address));
    say("%s\n", blocking_word(fd));
    close(fd);

    fd = (int)must_sys(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    if (result == -1 && errno == EINPROGRESS) {
        struct pollfd waits = {.fd = fd, .events = POLLOUT};
        must_sys(poll(&waits, 1, -1));
        int error;
        socklen_t length = sizeof error;
        must_sys(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
        errno = error;
    }
    say("non-blocking: %s\n", error_name(errno));
    close(fd);
    close(bound);
    return argument;
}

static void *accepted(void *argument)
{
    int listening = listener(5), error = -1;
    struct sockaddr_in address = address_of(listening);
    int fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    show_sys(connect(fd, (struct sockaddr *)&address, sizeof address));
    show_sys(connect(fd, (struct sockaddr *)&address, sizeof address));
    say("%s\n", blocking_word(fd));
    socklen_t length = sizeof error;
    show_sys(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    expect(error == 0);
    show_sys(connect(listening, (struct sockaddr *)&address, sizeof address));
    close(fd);
    close(listening);
    return argument;
}

static void *wrong(void *argument)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "no-such-socket"};
    struct sockaddr_in address = loopback(htons(1));
    int local = (int)must_sys(socket(AF_UNIX, SOCK_STREAM, 0));
    int inet = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    show_sys(connect(local, (struct sockaddr *)&path, sizeof path));
    show_sys(connect(local, (struct sockaddr *)&address, sizeof address));
    show_sys(connect(inet, (struct sockaddr *)&path, sizeof path));
    show_sys(connect(inet, (struct sockaddr *)&address, 3));
    show_sys(connect(inet, bad_pointer, sizeof address));
    show_sys(connect(-1, (struct sockaddr *)&address, sizeof address));
    show_sys(connect(STDIN_FILENO, (struct sockaddr *)&address, sizeof address));
    close(local);
    close(inet);
    return argument;
}

int main(void)
{
    join(start(refused, NULL));
    join(start(accepted, NULL));
    join(start(wrong, NULL));
    return finished();
}
