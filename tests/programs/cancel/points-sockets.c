/* SPDX-License-Identifier: MIT */
/* Cancelled while blocked in the calls of sockets; afterwards the same sockets work as before, and
 * their flags are as they were. */
#include "cancelling.h"
#include "net.h"

static int empty[2], full[2], listening, unix_listening;
static struct sockaddr_un unix_address = {.sun_family = AF_UNIX, .sun_path = "listens"};
static char block[4096];
static struct iovec part = {block, sizeof block};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

static void in_recvfrom(void)
{
    recvfrom(empty[0], block, sizeof block, 0, NULL, NULL);
}

static void in_recv_waitall(void)
{
    recv(empty[0], block, sizeof block, MSG_WAITALL);
}

static void in_recvmmsg(void)
{
    struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
    recvmmsg(empty[0], messages, 2, 0, NULL);
}

static void in_send(void)
{
    send(full[0], block, sizeof block, 0);
}

static void in_sendto(void)
{
    sendto(full[0], block, sizeof block, 0, NULL, 0);
}

static void in_sendmsg(void)
{
    sendmsg(full[0], &message, 0);
}

static void in_sendmmsg(void)
{
    struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
    sendmmsg(full[0], messages, 2, 0);
}

static void in_write(void)
{
    write(full[0], block, sizeof block);
}

static void in_writev(void)
{
    writev(full[0], &part, 1);
}

static void in_accept4(void)
{
    accept4(listening, NULL, NULL, SOCK_CLOEXEC);
}

static void close_it(void *fd)
{
    close(*(int *)fd);
}

static void in_connect(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_cleanup_push(close_it, &fd);
    connect(fd, (struct sockaddr *)&unix_address, sizeof unix_address);
    say("connect came back: %s\n", error_name(errno));
    pthread_cleanup_pop(1);
}

static void still_good(void)
{
    say("%s %s %s\n", blocking_word(empty[0]), blocking_word(full[0]), blocking_word(listening));
    must_sys(send(empty[1], "x", 1, 0));
    expect(recv(empty[0], block, sizeof block, 0) == 1 && block[0] == 'x');
}

static const struct blocking_call calls[] = {
    {"recvfrom", in_recvfrom}, {"recv", in_recv_waitall}, {"recvmmsg", in_recvmmsg},
    {"send", in_send},         {"sendto", in_sendto},     {"sendmsg", in_sendmsg},
    {"sendmmsg", in_sendmmsg}, {"write", in_write},       {"writev", in_writev},
    {"accept4", in_accept4},   {"connect", in_connect},
};

int main(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, empty));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, full));
    while (send(full[0], block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    listening = listener(5);
    unix_listening = (int)must_sys(socket(AF_UNIX, SOCK_STREAM, 0));
    must_sys(bind(unix_listening, (struct sockaddr *)&unix_address, sizeof unix_address));
    must_sys(listen(unix_listening, 0));
    int first = (int)must_sys(socket(AF_UNIX, SOCK_STREAM, 0));
    must_sys(connect(first, (struct sockaddr *)&unix_address, sizeof unix_address));
    CANCEL_IN_EACH(calls, still_good);

    /* What the cancelled ones did not send is not there. */
    size_t total = 0;
    ssize_t got;
    must_sys(shutdown(full[0], SHUT_WR));
    while ((got = recv(full[1], block, sizeof block, 0)) > 0)
        total += (size_t)got;
    say("the last recv %zd\n", got);
    expect(total > 0 && total % sizeof block == 0);
    close(connected_to(listening));
    expect(accept(listening, NULL, NULL) >= 0);
    expect(accept(unix_listening, NULL, NULL) >= 0);
    must_sys(fcntl(unix_listening, F_SETFL, O_NONBLOCK));
    show_sys(accept(unix_listening, NULL, NULL));
    return finished();
}
