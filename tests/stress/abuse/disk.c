/* SPDX-License-Identifier: MIT */
/* Files on the slow disk (slow_disk.c): held-N answers when it is told to, late-N after 100 ms. Each
 * abuser has a file of its own, because the kernel lets one fsync into a file at a time. */
#include "abuse.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096, STRIDE = 64 * 1024 };
static const off_t FILE_SIZE = (off_t)1 << 32;

static void need_disk(long count)
{
    (void)count;
    CHECK(disk);
}

static int open_file(const char *kind, long index)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%ld", disk, kind, index);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM)); /* no reading ahead */
    return fd;
}

/* What slow_disk writes there. */
static uint64_t word_at(long index, off_t offset)
{
    return ((uint64_t)index << 40) + (uint64_t)offset;
}

static void read_page(int fd, long index, off_t offset)
{
    uint64_t page[PAGE / sizeof(uint64_t)];
    CHECK(pread(fd, page, PAGE, offset) == PAGE);
    for (size_t i = 0; i < PAGE / sizeof *page; i++)
        CHECK(page[i] == word_at(index, offset + (off_t)(i * sizeof *page)));
}

static void read_held(long index)
{
    int fd = open_file("held", index);
    abuse_enter();
    read_page(fd, index, 0);
    close(fd);
}

static void read_late(long index)
{
    int fd = open_file("late", index);
    off_t offset = 0;
    abuse_enter();
    do
        read_page(fd, index, offset += STRIDE);
    while (!atomic_load(&over));
    close(fd);
}

static void fsync_held(long index)
{
    int fd = open_file("held", index);
    abuse_enter();
    CHECK(fsync(fd) == 0);
    CHECK(atomic_load(&over));
    close(fd);
}

static void fsync_late(long index)
{
    int fd = open_file("late", index);
    abuse_enter();
    do {
        int64_t start = now_ns();
        CHECK(fsync(fd) == 0);
        CHECK(now_ns() - start >= 50 * 1000 * 1000);
    } while (!atomic_load(&over));
    close(fd);
}

static const volatile uint64_t *map_file(int fd)
{
    void *map = mmap(NULL, (size_t)FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    CHECK(madvise(map, (size_t)FILE_SIZE, MADV_RANDOM) == 0);
    close(fd);
    return map;
}

static void unmap_file(const volatile uint64_t *map)
{
    CHECK(munmap((void *)(uintptr_t)map, (size_t)FILE_SIZE) == 0);
}

static void fault_held(long index)
{
    const volatile uint64_t *map = map_file(open_file("held", index));
    abuse_enter();
    CHECK(map[1] == word_at(index, sizeof *map));
    CHECK(atomic_load(&over));
    unmap_file(map);
}

static void fault_late(long index)
{
    const volatile uint64_t *map = map_file(open_file("late", index));
    off_t offset = 0;
    abuse_enter();
    do {
        offset += STRIDE;
        CHECK(map[(size_t)offset / sizeof *map] == word_at(index, offset));
    } while (!atomic_load(&over));
    unmap_file(map);
}

/* The disk says how many requests it has and does not answer. */
static long stuck_on_disk(void)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/unanswered", disk);
    CHECK(stat(path, &status) == 0);
    return (long)status.st_size;
}

static void answer_all(long count)
{
    char path[4096];
    (void)count;
    snprintf(path, sizeof path, "%s/answer", disk);
    CHECK(mkdir(path, 0700) < 0 && errno == EEXIST); /* an order: see slow_disk.c */
}

#define HELD(identifier, text, function)                                                           \
    const struct abuse abuse_##identifier = {.name = (text), .prepare = need_disk,                 \
                                             .commit = (function), .stuck = stuck_on_disk,         \
                                             .release = answer_all}
#define LATE(identifier, text, function)                                                           \
    const struct abuse abuse_##identifier = {.name = (text), .prepare = need_disk,                 \
                                             .commit = (function)}

HELD(disk_read_held, "disk-read-held", read_held);
LATE(disk_read_late, "disk-read-late", read_late);
HELD(disk_fsync_held, "disk-fsync-held", fsync_held);
LATE(disk_fsync_late, "disk-fsync-late", fsync_late);
HELD(disk_fault_held, "disk-fault-held", fault_held);
LATE(disk_fault_late, "disk-fault-late", fault_late);
