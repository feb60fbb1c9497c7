/* SPDX-License-Identifier: MIT */
/* recvmmsg and sendmmsg: several messages at once, in parts, with waits and without; limits, time-outs, errors;
 * descriptors that are sent along are shared. */
#include <fcntl.h>
#include <sys/socket.h>

#include "check.h"

enum { MANY = 2000, FEW = 50 };

static struct mmsghdr messages[MANY];
static char bytes[MANY];
static struct iovec parts[MANY];
static int sockets[2];

static void prepare(void)
{
    for (int i = 0; i < MANY; i++) {
        parts[i] = (struct iovec){&bytes[i], 1};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

static void make_pair(int type)
{
    must_sys(socketpair(AF_UNIX, type, 0, sockets));
}

static void close_pair(void)
{
    close(sockets[0]);
    close(sockets[1]);
}

static void *takes_slowly(void *count)
{
    char byte;
    for (int i = 0; i < *(int *)count; i++) {
        must_sys(recv(sockets[1], &byte, 1, 0));
        expect(byte == (char)i);
    }
    return NULL;
}

static void limits_and_errors(void)
{
    int large = 1 << 22;
    show_sys(sendmmsg(-1, messages, 0, 0));
    show_sys(recvmmsg(-1, messages, 0, 0, NULL));
    show_sys(sendmmsg(-1, messages, 3, 0));
    show_sys(recvmmsg(-1, messages, 3, 0, NULL));
    make_pair(SOCK_STREAM);
    setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    show_sys(sendmmsg(sockets[0], messages, MANY, 0));
    close_pair();
    make_pair(SOCK_DGRAM);
    show_sys(sendmmsg(sockets[0], bad_pointer, 3, 0));
    close(sockets[1]);
    show_sys(sendmmsg(sockets[0], messages, 3, MSG_NOSIGNAL));
    close(sockets[0]);
}

static void times(void)
{
    struct timespec time = {2, 0};
    make_pair(SOCK_DGRAM);
    must_sys(sendmmsg(sockets[0], messages, 3, 0));
    show_sys(recvmmsg(sockets[1], messages, 2, 0, &time));
    say("left: %d\n", time.tv_sec == 1 && time.tv_nsec > 0);
    time = (struct timespec){0, 0};
    show_sys(recvmmsg(sockets[1], messages, 2, 0, &time));
    must_sys(sendmmsg(sockets[0], messages, 3, 0)); /* of which the first is taken */
    time = (struct timespec){0, 0};
    show_sys(recvmmsg(sockets[1], messages, 3, 0, &time));
    show_sys(recvmmsg(sockets[1], messages, 3, MSG_DONTWAIT, NULL));
    time = (struct timespec){0, -1};
    show_sys(recvmmsg(sockets[1], messages, 2, 0, &time));
    time = (struct timespec){-1, 0};
    show_sys(recvmmsg(sockets[1], messages, 2, 0, &time));
    must_sys(sendmmsg(sockets[0], messages, 3, 0));
    show_sys(recvmmsg(sockets[1], messages, FEW, MSG_WAITFORONE, NULL));
    show_sys(recvmmsg(sockets[1], messages, FEW, MSG_DONTWAIT, NULL));
    close_pair();
}

static void in_order(int type)
{
    int count = MANY / 2;
    make_pair(type);
    for (int i = 0; i < count; i++)
        bytes[i] = (char)i;
    pthread_t taker = start(takes_slowly, &count);
    for (int sent = 0; sent < count;) {
        int now = (int)must_sys(sendmmsg(sockets[0], messages + sent, (unsigned)(count - sent), 0));
        sent += now;
    }
    join(taker);
    close_pair();
    say("in order\n");
}

static void *sends_pairs(void *argument)
{
    for (int i = 0; i < FEW; i += 2) {
        must_sys(sendmmsg(sockets[0], messages + i, 2, 0));
        usleep(100);
    }
    return argument;
}

static void waits_for_all(void)
{
    make_pair(SOCK_DGRAM);
    pthread_t sender = start(sends_pairs, NULL);
    show_sys(recvmmsg(sockets[1], messages, FEW, 0, NULL));
    join(sender);
    close_pair();
}

static void *sends_halves(void *argument)
{
    for (int i = 0; i < 3; i++) {
        usleep(1000);
        must_sys(write(sockets[0], "ab", 2));
    }
    return argument;
}

/* From a stream, each of them whole. */
static void whole_ones(void)
{
    char room[2][4];
    struct iovec halves[2] = {{room[0], 4}, {room[1], 4}};
    struct mmsghdr two[2] = {{.msg_hdr = {.msg_iov = &halves[0], .msg_iovlen = 1}},
                             {.msg_hdr = {.msg_iov = &halves[1], .msg_iovlen = 1}}};
    make_pair(SOCK_STREAM);
    must_sys(write(sockets[0], "ab", 2)); /* half of the first is there */
    pthread_t sender = start(sends_halves, NULL);
    show_sys(recvmmsg(sockets[1], two, 2, MSG_WAITALL, NULL));
    say("%u and %u bytes\n", two[0].msg_len, two[1].msg_len);
    join(sender);
    close_pair();
}

/* The receiver makes it non-blocking: the sender, who shares it, sees that. */
static void pass_descriptor(int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {{CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}}, got = {{0}};
    int ends[2], passed;
    char byte;
    struct mmsghdr with = messages[0], received = messages[1];
    must_sys(pipe(ends));
    memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
    with.msg_hdr.msg_control = &control;
    with.msg_hdr.msg_controllen = sizeof control.room;
    received.msg_hdr.msg_control = &got;
    received.msg_hdr.msg_controllen = sizeof got.room;
    make_pair(SOCK_DGRAM);
    must_sys(sendmmsg(sockets[0], &with, 1, flags));
    must_sys(recvmmsg(sockets[1], &received, 1, flags, NULL));
    memcpy(&passed, CMSG_DATA(&got.header), sizeof passed);
    must_sys(fcntl(passed, F_SETFL, O_NONBLOCK));
    show_sys(read(ends[0], &byte, 1));
    close(passed);
    close(ends[0]);
    close(ends[1]);
    close_pair();
}

static void *all_of_it(void *argument)
{
    limits_and_errors();
    times();
    in_order(SOCK_DGRAM);
    in_order(SOCK_STREAM);
    in_order(SOCK_SEQPACKET);
    waits_for_all();
    whole_ones();
    pass_descriptor(0);
    pass_descriptor(MSG_DONTWAIT);
    return argument;
}

int main(void)
{
    prepare();
    join(start(all_of_it, NULL));
    pass_descriptor(MSG_DONTWAIT);
    return finished();
}
