/* SPDX-License-Identifier: MIT */
/* Descriptors travel by SCM_RIGHTS to a thread that waits for them, and work there. */
#include "net.h"

enum { ROUNDS = 50 };

static int ends[2];

static void send_descriptor(int fd)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {"d", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    must_sys(sendmsg(ends[0], &message, 0));
}

static int receive_descriptor(void)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    int fd = -1;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    must_sys(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    expect(header && header->cmsg_type == SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void *uses(void *argument)
{
    char text[8];
    for (int i = 0; i < ROUNDS; i++) {
        int fd = receive_descriptor();
        expect(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        expect(strcmp(blocking_word(fd), "blocking") == 0);
        expect(recv(fd, text, 4, MSG_WAITALL) == 4 && memcmp(text, "ping", 4) == 0);
        must_sys(send(fd, "pong", 4, 0));
        close(fd);
    }
    return argument;
}

int main(void)
{
    char text[8];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_t thread = start(uses, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int pair[2];
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        send_descriptor(pair[0]);
        close(pair[0]);
        must_sys(send(pair[1], "ping", 4, 0));
        expect(recv(pair[1], text, 4, MSG_WAITALL) == 4);
        expect(recv(pair[1], text, 4, 0) == 0);
        close(pair[1]);
    }
    join(thread);
    return finished();
}
