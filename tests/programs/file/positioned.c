/* SPDX-License-Identifier: MIT */
/* Positioned reads of files that are in the page cache, partly, or not at all; ends of files, on a
 * page's end and within; every error; files that are no ordinary ones. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 64, THREADS = 8, ROUNDS = 60 };

static int file;
static volatile int minus_one = -1;

static char byte_at(off_t offset)
{
    return (char)(offset / PAGE * 7 + offset % PAGE);
}

static void fill(int fd, off_t size)
{
    for (off_t offset = 0; offset < size;) {
        char page[PAGE];
        size_t part = size - offset < PAGE ? (size_t)(size - offset) : PAGE;
        for (size_t i = 0; i < part; i++)
            page[i] = byte_at(offset + (off_t)i);
        must_sys(pwrite(fd, page, part, offset));
        offset += (off_t)part;
    }
    must_sys(fsync(fd));
}

static bool is_right(const char *data, ssize_t size, off_t offset)
{
    for (ssize_t i = 0; i < size; i++)
        if (data[i] != byte_at(offset + i))
            return false;
    return true;
}

/* Some pages are dropped all the time, so reads meet caches with holes. */
static void *reads(void *argument)
{
    static char data[THREADS][PAGES * PAGE];
    char *mine = data[index_of(argument)];
    for (int i = 0; i < ROUNDS; i++) {
        off_t from = (i * 5 + index_of(argument)) % 40 * PAGE + i, drop = (i * 13) % PAGES * PAGE;
        size_t size = (size_t)(i % 20 + 1) * PAGE - 100;
        must_sys(posix_fadvise(file, drop, 5 * PAGE, POSIX_FADV_DONTNEED));
        struct iovec parts[2] = {{mine, 1000}, {mine + 1000, size - 1000}};
        ssize_t got = i % 3 == 0   ? pread(file, mine, size, from)
                      : i % 3 == 1 ? preadv(file, parts, 2, from)
                                   : preadv2(file, parts, 2, from, 0);
        expect(got == (ssize_t)size);
        expect(is_right(mine, got, from));
    }
    return NULL;
}

static void *reaches_the_end(void *argument)
{
    static char data[4 * PAGE];
    int fd = (int)must_sys(open("short", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    for (int size = 2 * PAGE - 1; size <= 2 * PAGE + 1; size++) {
        must_sys(ftruncate(fd, 0));
        fill(fd, size);
        for (int drop = 0; drop < 3; drop++) {
            if (drop)
                must_sys(posix_fadvise(fd, drop == 2 ? PAGE : 0, 0, POSIX_FADV_DONTNEED));
            show_sys(pread(fd, data, sizeof data, 0));
            expect(is_right(data, size, 0));
            show_sys(pread(fd, data, sizeof data, PAGE));
            show_sys(pread(fd, data, sizeof data, 2 * PAGE));
            show_sys(pread(fd, data, 100, size));
            show_sys(pread(fd, data, 0, 0));
        }
    }
    say("offset %d\n", (int)lseek(fd, 0, SEEK_CUR));
    must_sys(unlink("short"));
    close(fd);
    return argument;
}

static void *fails(void *argument)
{
    static char data[PAGE];
    struct iovec part = {data, PAGE}, absurd = {data, (size_t)-1};
    int ends[2], directory = (int)must_sys(open(".", O_RDONLY | O_DIRECTORY));
    int write_only = (int)must_sys(open("positioned", O_WRONLY));
    must_sys(pipe(ends));
    show_sys(pread(file, data, PAGE, -1));
    show_sys(preadv(file, &part, 1, -1));
    show_sys(preadv(file, &part, minus_one, 0));
    show_sys(preadv(file, &absurd, 1, 0));
    show_sys(preadv(file, NULL, 0, 0));
    show_sys(preadv2(file, &part, 1, 0, 1 << 30));
    show_sys(pread(file, bad_pointer, PAGE, 0));
    show_sys(preadv(file, bad_pointer, 1, 0));
    show_sys(pread(directory, data, PAGE, 0));
    show_sys(pread(write_only, data, PAGE, 0));
    show_sys(pread(ends[0], data, PAGE, 0));
    show_sys(pread(999, data, PAGE, 0));
    show_sys(pread(-1, data, PAGE, 0));
    close(write_only);
    close(directory);
    return argument;
}

static void *reads_others(void *argument)
{
    char data[16] = "";
    int zero = (int)must_sys(open("/dev/zero", O_RDONLY)), null = open("/dev/null", O_RDONLY);
    int status = (int)must_sys(open("/proc/self/status", O_RDONLY));
    int memory = memfd_create("memory", MFD_CLOEXEC);
    show_sys(pread(zero, data, 5, 1));
    show_sys(pread(null, data, 5, 1));
    for (int i = 0; i < 3; i++) {
        show_sys(pread(status, data, 5, 0));
        say("%.5s\n", data);
    }
    fill(memory, PAGE);
    show_sys(pread(memory, data, sizeof data, 100));
    expect(is_right(data, sizeof data, 100));
    show_sys(pread(memory, data, sizeof data, PAGE - 3));
    must_sys(ftruncate(memory, 3 * PAGE)); /* a hole */
    show_sys(pread(memory, data, sizeof data, 2 * PAGE));
    expect(data[0] == 0);
    return argument;
}

static void *reads_directly(void *argument)
{
    int fd = open("positioned", O_RDONLY | O_DIRECT);
    char *data = aligned_alloc(PAGE, 4 * PAGE);
    for (int i = 0; fd >= 0 && i < 30; i++) {
        expect(pread(fd, data, 4 * PAGE, i * PAGE) == 4 * PAGE);
        expect(is_right(data, 4 * PAGE, i * PAGE));
    }
    free(data);
    return argument;
}

/* A cancelled thread does not read, whatever is cached. */
static void *is_cancelled(void *argument)
{
    char byte;
    must(pthread_cancel(pthread_self()));
    pread(file, &byte, 1, 0);
    say("went on\n");
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    file = (int)must_sys(open("positioned", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    fill(file, PAGES * PAGE);
    start_many(threads, THREADS, reads);
    join_many(threads, THREADS);
    join(start(reaches_the_end, NULL));
    join(start(fails, NULL));
    join(start(reads_others, NULL));
    join(start(reads_directly, NULL));
    say("cancelled %d\n", join(start(is_cancelled, NULL)) == PTHREAD_CANCELED);
    must_sys(unlink("positioned"));
    return finished();
}
