/* SPDX-License-Identifier: MIT */
/* Regular files: positioned and sequential, append by many threads, holes, truncation, syncing. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "check.h"

enum { THREADS = 16, BLOCKS = 40, BLOCK = 4096 };

static int file, log_file;

static void *writes(void *argument)
{
    char block[BLOCK], line[16];
    int mine = index_of(argument);
    for (int i = 0; i < BLOCKS; i++) {
        off_t offset = ((off_t)i * THREADS + mine) * BLOCK;
        memset(block, mine * 3 + i, BLOCK);
        expect(pwrite(file, block, BLOCK, offset) == BLOCK);
        memset(block, 0, BLOCK);
        expect(pread(file, block, BLOCK, offset) == BLOCK);
        expect(block[0] == (char)(mine * 3 + i) && block[BLOCK - 1] == block[0]);
        int length = snprintf(line, sizeof line, "%02d %02d\n", mine, i);
        expect(write(log_file, line, (size_t)length) == length);
    }
    expect(fdatasync(file) == 0);
    return NULL;
}

static void check_log(void)
{
    char line[6];
    int next[THREADS] = {0};
    must_sys(lseek(log_file, 0, SEEK_SET));
    for (int i = 0; i < THREADS * BLOCKS; i++) {
        int thread, number;
        expect(read(log_file, line, sizeof line) == sizeof line);
        expect(sscanf(line, "%d %d", &thread, &number) == 2);
        expect(number == next[thread]++);
    }
    show_sys(read(log_file, line, 1));
}

static void *others(void *argument)
{
    char a[4], b[8] = "";
    struct iovec parts[2] = {{a, sizeof a}, {b, 2}};
    struct stat status;
    int fd = (int)must_sys(open("other", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    show_sys(open("other", O_RDWR | O_CREAT | O_EXCL, 0640));
    show_sys(open("missing/other", O_RDONLY));
    show_sys(open(".", O_WRONLY));
    show_sys(write(fd, "abcdefghij", 10));
    show_sys(lseek(fd, 2, SEEK_SET));
    show_sys(readv(fd, parts, 2));
    say("%.4s %.2s\n", a, b);
    show_sys(lseek(fd, 0, SEEK_CUR));
    show_sys(preadv(fd, parts, 2, 1));
    show_sys(pwritev(fd, parts, 2, 100));
    show_sys(preadv2(fd, parts, 2, 0, 0));
    show_sys(lseek(fd, 0, SEEK_END));
    show_sys(ftruncate(fd, 3));
    show_sys(pread(fd, b, 8, 0));
    show_sys(pread(fd, b, 8, 3));
    show_sys(pread(fd, b, 8, -1));
    show_sys(lseek(fd, -1, SEEK_SET));
    show_sys(fallocate(fd, 0, 0, 10000));
    must_sys(fstat(fd, &status));
    say("size %ld mode %o\n", (long)status.st_size, status.st_mode & 0777);
    show_sys(fsync(fd));
    show_sys(fsync(STDIN_FILENO));
    show_sys(read(fd, bad_pointer, 5));
    show_sys(close(fd));
    fd = (int)must_sys(creat("other", 0600));
    show_sys(read(fd, b, 1));
    show_sys(close(fd));
    show_sys(unlink("other"));
    show_sys(unlink("other"));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    umask(022);
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    log_file = (int)must_sys(open("log", O_RDWR | O_CREAT | O_APPEND, 0600));
    start_many(threads, THREADS, writes);
    join_many(threads, THREADS);
    check_log();
    join(start(others, NULL));
    unlink("file");
    unlink("log");
    return finished();
}
