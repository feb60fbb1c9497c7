/* SPDX-License-Identifier: MIT */
/* splice, tee, sendfile and copy_file_range between pipes, sockets and files, waiting for data. */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "check.h"

static int source[2], middle[2], target[2];

static void *forwards(void *argument)
{
    long total = 0;
    ssize_t n;
    while ((n = splice(source[0], NULL, middle[1], NULL, 65536, 0)) > 0) {
        total += n;
        while (n > 0)
            n -= must_sys(splice(middle[0], NULL, target[1], NULL, (size_t)n, 0));
    }
    close(target[1]);
    return (void *)total;
}

static void *counts(void *argument)
{
    char buffer[3000];
    long total = 0;
    for (ssize_t n; (n = read(target[0], buffer, sizeof buffer)) > 0;)
        total += n;
    return (void *)total;
}

static void *sends_file(void *argument)
{
    int file = index_of(argument);
    off_t offset = 0;
    long total = 0;
    for (ssize_t n; (n = sendfile(target[1], file, &offset, 1 << 20)) > 0;)
        total += n;
    close(target[1]);
    return (void *)total;
}

int main(void)
{
    static char block[300000];
    must_sys(pipe(source));
    must_sys(pipe(middle));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, target));
    pthread_t forwarder = start(forwards, NULL), counter = start(counts, NULL);
    for (int i = 0; i < 3; i++)
        must_sys(write(source[1], block, sizeof block));
    close(source[1]);
    say("forwarded %ld", (long)join(forwarder));
    say(", counted %ld\n", (long)join(counter));

    int file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    must_sys(ftruncate(file, 2000000));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, target));
    forwarder = start(sends_file, (void *)(intptr_t)file);
    counter = start(counts, NULL);
    say("sent %ld", (long)join(forwarder));
    say(", counted %ld\n", (long)join(counter));
    int copy = (int)must_sys(open("copy", O_RDWR | O_CREAT, 0600));
    off_t from = 0;
    show_sys(copy_file_range(file, &from, copy, NULL, 5000, 0));
    show_sys(splice(file, NULL, copy, NULL, 100, 0));
    show_sys(sendfile(copy, 19999, NULL, 10));
    unlink("file");
    unlink("copy");
    return finished();
}
