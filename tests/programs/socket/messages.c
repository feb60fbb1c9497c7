/* SPDX-License-Identifier: MIT */
/* sendmsg and recvmsg with several parts, sendmmsg and recvmmsg, addresses, control data cut
 * off. */
#include "net.h"

enum { MESSAGES = 5 };

static int receiver, sender;

static void *receives(void *argument)
{
    char bodies[MESSAGES][8];
    struct iovec parts[MESSAGES];
    struct mmsghdr messages[MESSAGES] = {0};
    struct sockaddr_in peers[MESSAGES], expected = address_of(sender);
    for (int i = 0; i < MESSAGES; i++) {
        parts[i] = (struct iovec){bodies[i], sizeof bodies[i]};
        messages[i].msg_hdr = (struct msghdr){&peers[i], sizeof peers[i], &parts[i], 1, 0, 0, 0};
    }
    int got = 0;
    while (got < MESSAGES)
        got += (int)must_sys(recvmmsg(receiver, messages + got, (unsigned)(MESSAGES - got),
                                      MSG_WAITFORONE, NULL));
    for (int i = 0; i < MESSAGES; i++) {
        expect(peers[i].sin_port == expected.sin_port);
        say("%u bytes: %.*s\n", messages[i].msg_len, (int)messages[i].msg_len, bodies[i]);
    }
    struct timespec timeout = {0, 30 * MILLISECOND};
    show_sys(recvmmsg(receiver, messages, MESSAGES, MSG_DONTWAIT, &timeout));
    return argument;
}

static void *receives_all(void *argument)
{
    char bodies[MESSAGES][8];
    struct iovec parts[MESSAGES];
    struct mmsghdr messages[MESSAGES] = {0};
    for (int i = 0; i < MESSAGES; i++) {
        parts[i] = (struct iovec){bodies[i], sizeof bodies[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    show_sys(recvmmsg(receiver, messages, MESSAGES, 0, NULL));
    return argument;
}

static void send_some(void)
{
    static const char *const words[MESSAGES] = {"one", "two", "three", "four", "five"};
    struct sockaddr_in to = address_of(receiver);
    struct iovec parts[MESSAGES];
    struct mmsghdr messages[MESSAGES] = {0};
    for (int i = 0; i < MESSAGES; i++) {
        parts[i] = (struct iovec){(void *)words[i], strlen(words[i])};
        messages[i].msg_hdr = (struct msghdr){&to, sizeof to, &parts[i], 1, 0, 0, 0};
    }
    expect(sendmmsg(sender, messages, MESSAGES, 0) == MESSAGES);
}

static void *gathers(void *argument)
{
    int ends[2];
    char left[3], right[10] = "";
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefg", 5}};
    struct iovec in[2] = {{left, sizeof left}, {right, sizeof right}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    show_sys(sendmsg(ends[0], &message, 0));
    message = (struct msghdr){.msg_iov = in, .msg_iovlen = 2};
    show_sys(recvmsg(ends[1], &message, 0));
    say("%.3s %s flags %d\n", left, right, message.msg_flags);
    message.msg_iov = bad_pointer;
    show_sys(recvmsg(ends[1], &message, 0));
    show_sys(sendmsg(ends[1], bad_pointer, 0));
    close(ends[0]);
    close(ends[1]);
    return argument;
}

int main(void)
{
    receiver = bound_socket(SOCK_DGRAM);
    sender = bound_socket(SOCK_DGRAM);
    pthread_t thread = start(receives, NULL);
    settle();
    send_some();
    join(thread);
    thread = start(receives_all, NULL);
    settle();
    send_some();
    join(thread);
    join(start(gathers, NULL));
    return finished();
}
