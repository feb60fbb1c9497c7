/* SPDX-License-Identifier: MIT */
/* Pipes: blocking reads and writes, end of file, EPIPE, large and vectored transfers. */
#include <signal.h>
#include <sys/uio.h>

#include "check.h"

enum { SIZE = 4 << 20 };

static int pipes[2];

static void *reads_all(void *argument)
{
    char *buffer = malloc(SIZE);
    long total = 0;
    ssize_t n;
    while ((n = read(pipes[0], buffer, 50000)) > 0)
        total += n;
    free(buffer);
    return (void *)total;
}

static void *writes_large(void *argument)
{
    char *data = calloc(1, SIZE);
    struct iovec parts[3] = {{data, 10}, {data, SIZE / 2}, {data, 100000}};
    show_sys(write(pipes[1], data, SIZE));
    show_sys(writev(pipes[1], parts, 3));
    free(data);
    close(pipes[1]);
    return argument;
}

static void *reads_parts(void *argument)
{
    char a[3], b[10];
    struct iovec parts[2] = {{a, sizeof a}, {b, sizeof b}};
    show_sys(readv(pipes[0], parts, 2));
    say("%.3s %.2s\n", a, b);
    show_sys(readv(pipes[0], parts, 2));
    return argument;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    must_sys(pipe(pipes));
    pthread_t reader = start(reads_all, NULL), writer = start(writes_large, NULL);
    say("total %ld\n", (long)join(reader));
    join(writer);
    close(pipes[0]);

    must_sys(pipe(pipes));
    reader = start(reads_parts, NULL);
    settle();
    must_sys(write(pipes[1], "abcde", 5));
    settle();
    close(pipes[1]);
    join(reader);
    close(pipes[0]);

    must_sys(pipe(pipes));
    close(pipes[0]);
    show_sys(write(pipes[1], "x", 1));
    show_sys(write(pipes[1], "x", 0));
    show_sys(read(pipes[1], &reader, 1));
    close(pipes[1]);
    return finished();
}
