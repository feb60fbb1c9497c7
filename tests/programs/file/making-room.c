/* SPDX-License-Identifier: MIT */
/* Files that grow and shrink, and their way to the disk: ftruncate, fallocate, posix_fallocate (which
 * returns its error), sync_file_range, msync, fsync; each on threads, with its errors. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"

enum { PAGE = 4096, THREADS = 8 };

static long size_of(int fd)
{
    struct stat status;
    must_sys(fstat(fd, &status));
    return status.st_size;
}

static void *grows(void *argument)
{
    char name[32];
    snprintf(name, sizeof name, "room-%d", index_of(argument));
    int fd = (int)must_sys(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    expect(ftruncate(fd, 3 * PAGE + 5) == 0);
    expect(size_of(fd) == 3 * PAGE + 5);
    expect(posix_fallocate(fd, PAGE, 10 * PAGE) == 0);
    expect(size_of(fd) == 11 * PAGE);
    expect(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20 * PAGE) == 0);
    expect(size_of(fd) == 11 * PAGE);
    char *mapped = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    expect(mapped != MAP_FAILED);
    memset(mapped, 'a' + index_of(argument), 2 * PAGE);
    expect(msync(mapped, 2 * PAGE, MS_SYNC) == 0);
    expect(msync(mapped, 2 * PAGE, MS_ASYNC) == 0);
    expect(sync_file_range(fd, 0, 2 * PAGE, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                                SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    expect(fsync(fd) == 0 && fdatasync(fd) == 0);
    char byte = 0;
    expect(pread(fd, &byte, 1, 2 * PAGE - 1) == 1 && byte == 'a' + index_of(argument));
    expect(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 0);
    munmap(mapped, 2 * PAGE);
    expect(ftruncate(fd, 0) == 0 && size_of(fd) == 0);
    close(fd);
    must_sys(unlink(name));
    return NULL;
}

static void *fails(void *argument)
{
    int ends[2], reader = (int)must_sys(open("/etc/passwd", O_RDONLY));
    int fd = (int)must_sys(open("small", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must_sys(pipe(ends));
    errno = 0;
    show(posix_fallocate(-1, 0, 1));
    show(posix_fallocate(fd, 0, 0));
    show(posix_fallocate(fd, -1, 1));
    show(posix_fallocate(ends[1], 0, 1));
    show(posix_fallocate(reader, 0, 1));
    say("errno %s\n", error_name(errno));
    show_sys(fallocate(fd, 0, 0, 0));
    show_sys(fallocate(fd, 0x4000, 0, 1));
    show_sys(fallocate(-1, 0, 0, 1));
    show_sys(ftruncate(fd, -1));
    show_sys(ftruncate(reader, 0));
    show_sys(ftruncate(ends[0], 0));
    show_sys(sync_file_range(fd, 0, 1, 0x1000));
    show_sys(sync_file_range(fd, -1, 1, 0));
    show_sys(sync_file_range(ends[0], 0, 1, SYNC_FILE_RANGE_WRITE));
    show_sys(sync_file_range(-1, 0, 1, 0));
    show_sys(msync(page, PAGE, MS_SYNC | MS_ASYNC));
    show_sys(msync(page + 1, PAGE, MS_SYNC));
    munmap(page, PAGE);
    show_sys(msync(page, PAGE, MS_SYNC));
    show_sys(fsync(ends[0]));
    show_sys(fdatasync(-1));
    must_sys(unlink("small"));
    close(fd);
    close(reader);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, grows);
    grows((void *)(intptr_t)THREADS);
    join_many(threads, THREADS);
    fails(NULL);
    join(start(fails, NULL));
    return finished();
}
