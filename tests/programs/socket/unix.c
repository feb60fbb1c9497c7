/* SPDX-License-Identifier: MIT */
/* Unix sockets: stream, datagram and sequenced packets by path and by abstract name, and a
 * connect that waits while the backlog is full. */
#include "net.h"

enum { CLIENTS = 20 };

static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
static int type;

static void *connects(void *argument)
{
    char text[16];
    int fd = (int)must_sys(socket(AF_UNIX, type, 0));
    must_sys(connect(fd, (struct sockaddr *)&address, sizeof address));
    expect(recv(fd, text, sizeof text, 0) == 5);
    expect(recv(fd, text, sizeof text, 0) == 0);
    expect(strcmp(blocking_word(fd), "blocking") == 0);
    close(fd);
    return argument;
}

/* The backlog is one, so most clients wait in connect until accept makes room. */
static void backlog(int with_type)
{
    pthread_t clients[CLIENTS];
    type = with_type;
    int listening = (int)must_sys(socket(AF_UNIX, type, 0));
    must_sys(bind(listening, (struct sockaddr *)&address, sizeof address));
    show_sys(bind(listening, (struct sockaddr *)&address, sizeof address));
    must_sys(listen(listening, 1));
    start_many(clients, CLIENTS, connects);
    settle();
    for (int i = 0; i < CLIENTS; i++) {
        int fd = (int)must_sys(accept(listening, NULL, NULL));
        expect(send(fd, "hello", 5, 0) == 5);
        close(fd);
    }
    join_many(clients, CLIENTS);
    close(listening);
    show_sys(unlink(address.sun_path));
}

static void *datagrams(void *argument)
{
    struct sockaddr_un from;
    socklen_t length = sizeof from;
    char text[16];
    int receiver = (int)must_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
    int sender = (int)must_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
    must_sys(bind(receiver, (struct sockaddr *)&address, sizeof address));
    show_sys(sendto(sender, "text", 4, 0, (struct sockaddr *)&address, sizeof address));
    show_sys(recvfrom(receiver, text, sizeof text, 0, (struct sockaddr *)&from, &length));
    say("address of %u bytes\n", length);
    close(receiver);
    show_sys(sendto(sender, "text", 4, 0, (struct sockaddr *)&address, sizeof address));
    close(sender);
    unlink(address.sun_path);
    return argument;
}

static void *packets(void *argument)
{
    int ends[2];
    char text[4];
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    must_sys(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    must_sys(send(ends[0], "long packet", 11, 0));
    must_sys(send(ends[0], "b", 1, 0));
    show_sys(recvmsg(ends[1], &message, 0));
    say("truncated %d\n", !!(message.msg_flags & MSG_TRUNC));
    show_sys(recvmsg(ends[1], &message, MSG_WAITALL));
    close(ends[0]);
    show_sys(recvmsg(ends[1], &message, 0));
    close(ends[1]);
    return argument;
}

int main(void)
{
    backlog(SOCK_STREAM);
    backlog(SOCK_SEQPACKET);
    join(start(datagrams, NULL));
    join(start(packets, NULL));
    return finished();
}
