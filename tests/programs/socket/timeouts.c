/* SPDX-License-Identifier: MIT */
/* SO_RCVTIMEO and SO_SNDTIMEO: EAGAIN from recv, send and accept, EINPROGRESS never seen, not
 * early, partial counts, options read back. */
#include "net.h"

static int ends[2];
static char block[1 << 20];

static void *receive_times_out(void *argument)
{
    char byte;
    struct msghdr message = {0};
    struct mmsghdr messages[2] = {{{0}, 0}};
    int64_t begin = now_ns();
    show_sys(recv(ends[0], &byte, 1, 0));
    say("%s\n", elapsed_word(begin, 60));
    begin = now_ns();
    show_sys(read(ends[0], &byte, 1));
    say("%s\n", elapsed_word(begin, 60));
    begin = now_ns();
    show_sys(recvfrom(ends[0], &byte, 1, 0, NULL, NULL));
    struct iovec part = {&byte, 1};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    show_sys(recvmsg(ends[0], &message, 0));
    messages[0].msg_hdr = messages[1].msg_hdr = message;
    show_sys(recvmmsg(ends[0], messages, 2, 0, NULL));
    say("%s\n", elapsed_word(begin, 180));
    return argument;
}

static void *waitall_times_out(void *argument)
{
    char bytes[8];
    must_sys(send(ends[1], "abc", 3, 0));
    int64_t begin = now_ns();
    show_sys(recv(ends[0], bytes, 8, MSG_WAITALL));
    say("%s\n", elapsed_word(begin, 60));
    return argument;
}

static void *send_times_out(void *argument)
{
    int64_t begin = now_ns();
    ssize_t sent = send(ends[1], block, sizeof block, 0);
    expect(sent > 0 && sent < (ssize_t)sizeof block);
    say("%s\n", elapsed_word(begin, 60));
    begin = now_ns();
    show_sys(send(ends[1], block, sizeof block, 0));
    show_sys(write(ends[1], block, sizeof block));
    say("%s\n", elapsed_word(begin, 120));
    return argument;
}

static void *accept_times_out(void *argument)
{
    int fd = listener(1);
    set_timeout(fd, SO_RCVTIMEO, 60);
    int64_t begin = now_ns();
    show_sys(accept(fd, NULL, NULL));
    show_sys(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    say("%s, %s\n", elapsed_word(begin, 120), blocking_word(fd));
    close(fd);
    return argument;
}

int main(void)
{
    struct timeval value;
    socklen_t length = sizeof value;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    set_timeout(ends[0], SO_RCVTIMEO, 60);
    set_timeout(ends[1], SO_SNDTIMEO, 60);
    join(start(receive_times_out, NULL));
    join(start(waitall_times_out, NULL));
    join(start(send_times_out, NULL));
    join(start(accept_times_out, NULL));
    must_sys(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &value, &length));
    expect(value.tv_sec == 0 && value.tv_usec >= 60000);
    say("%s\n", blocking_word(ends[0]));
    set_timeout(ends[0], SO_RCVTIMEO, 0);
    return finished();
}
