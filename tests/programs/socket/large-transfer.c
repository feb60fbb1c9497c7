/* SPDX-License-Identifier: MIT */
/* One send of 8 MB through a socket whose reader is slow returns the whole; so do write, writev
 * and sendmsg, on a Unix and on a TCP socket. */
#include "net.h"

enum { SIZE = 8 << 20, WAYS = 4 };

static char *data;
static int reader_end;

static void *reads_slowly(void *argument)
{
    static char buffer[65536];
    unsigned long sum = 0, received = 0;
    ssize_t n;
    for (int i = 0; (n = read(reader_end, buffer, sizeof buffer)) > 0; i++) {
        for (ssize_t k = 0; k < n; k += 512)
            sum += (unsigned char)buffer[k] != (unsigned char)((received + k) >> 9);
        received += (unsigned long)n;
        if (i % 64 == 0)
            usleep(500);
    }
    say("received %lu, wrong %d\n", received, sum > 0 && received % 512 == 0);
    return argument;
}

static ssize_t send_all(int fd, int way)
{
    struct iovec parts[3] = {{data, 1000}, {data + 1000, SIZE / 2}};
    parts[2].iov_base = data + 1000 + SIZE / 2;
    parts[2].iov_len = SIZE - 1000 - SIZE / 2;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    switch (way) {
    case 0:
        return write(fd, data, SIZE);
    case 1:
        return send(fd, data, SIZE, 0);
    case 2:
        return writev(fd, parts, 3);
    default:
        return sendmsg(fd, &message, 0);
    }
}

static void *sends(void *argument)
{
    for (int way = 0; way < WAYS; way++) {
        int ends[2];
        if (way % 2)
            tcp_pair(ends);
        else
            must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        reader_end = ends[1];
        pthread_t reader = start(reads_slowly, NULL);
        say("sent %zd\n", send_all(ends[0], way));
        close(ends[0]);
        join(reader);
        close(ends[1]);
    }
    return argument;
}

int main(void)
{
    data = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i >> 9);
    join(start(sends, NULL));
    free(data);
    return finished();
}
