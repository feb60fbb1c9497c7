/* SPDX-License-Identifier: MIT */
/* sendfile from a file to a socket whose reader is slow: a blocking one sends all; the given offset moves,
 * the file's own does not, and the other way round without one; the errors. */
#include <signal.h>
#include <sys/sendfile.h>

#include "net.h"

enum { SIZE = 4 << 20 };

static int ends[2], file;

static void *reads_slowly(void *argument)
{
    static char block[65536];
    long total = 0;
    unsigned sum = 0;
    for (ssize_t got; (got = read(ends[1], block, sizeof block)) > 0; total += got) {
        for (ssize_t i = 0; i < got; i++)
            sum = sum * 31 + (unsigned char)block[i];
        if (total % (1 << 20) < 65536)
            usleep(1000);
    }
    say("read %ld, sum %x\n", total, sum);
    return argument;
}

static void *sends(void *argument)
{
    off_t offset = 1000;
    must_sys(lseek(file, 7, SEEK_SET));
    show_sys(sendfile(ends[0], file, &offset, SIZE - 1000));
    say("offset %ld, of the file %ld\n", (long)offset, (long)lseek(file, 0, SEEK_CUR));
    must_sys(lseek(file, 1 << 20, SEEK_SET));
    show_sys(sendfile(ends[0], file, NULL, 2 * SIZE));
    say("of the file %ld\n", (long)lseek(file, 0, SEEK_CUR));
    show_sys(sendfile(ends[0], file, NULL, 100));
    must_sys(shutdown(ends[0], SHUT_WR));
    return argument;
}

static void *fails(void *argument)
{
    off_t offset = -1, zero = 0;
    show_sys(sendfile(ends[0], file, &zero, 10));
    show_sys(sendfile(-1, file, &zero, 10));
    show_sys(sendfile(ends[0], -1, &zero, 10));
    show_sys(sendfile(ends[0], file, &offset, 10));
    show_sys(sendfile(ends[0], file, bad_pointer, 10));
    show_sys(sendfile(ends[0], ends[1], NULL, 10));
    show_sys(sendfile(ends[1], file, &zero, 0));
    return argument;
}

int main(void)
{
    static unsigned char data[SIZE];
    for (int i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 7 + i / 4096);
    signal(SIGPIPE, SIG_IGN);
    file = (int)must_sys(open("sendfile", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    must_sys(write(file, data, SIZE));
    tcp_pair(ends);
    pthread_t reader = start(reads_slowly, NULL);
    join(start(sends, NULL));
    join(reader);
    join(start(fails, NULL));
    must_sys(unlink("sendfile"));
    return finished();
}
