/* SPDX-License-Identifier: MIT */
/* preadv, pwritev and their second versions: parts, the file's own offset for -1, appending by flag,
 * what they refuse; many threads in one file. */
#include <fcntl.h>
#include <sys/uio.h>

#include "check.h"

enum { THREADS = 8, ROUNDS = 50, RECORD = 96 };

static int file;

/* What <sys/uio.h> hides behind macros when offsets are wide. */
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags);

static ssize_t write_parts(int way, const struct iovec *parts, int count, off_t offset)
{
    switch (way) {
    case 0: return pwritev(file, parts, count, offset);
    case 1: return pwritev2(file, parts, count, offset, 0);
    case 2: return pwritev64v2(file, parts, count, offset, RWF_DSYNC);
    default: return pwritev2(file, parts, count, offset, RWF_SYNC);
    }
}

static void *writes_and_reads(void *argument)
{
    char record[RECORD], back[RECORD];
    for (int round = 0; round < ROUNDS; round++) {
        off_t offset = (round * THREADS + index_of(argument)) * RECORD;
        memset(record, 'a' + (round + index_of(argument)) % 26, RECORD);
        struct iovec parts[3] = {{record, 1}, {record + 1, 0}, {record + 1, RECORD - 1}};
        expect(write_parts(round % 4, parts, 3, offset) == RECORD);
        struct iovec in[2] = {{back, RECORD / 2}, {back + RECORD / 2, RECORD / 2}};
        ssize_t got = round % 2 ? preadv(file, in, 2, offset) : preadv2(file, in, 2, offset, 0);
        expect(got == RECORD && memcmp(record, back, RECORD) == 0);
    }
    return NULL;
}

static void *uses_the_offset(void *argument)
{
    char data[8] = "abcdefg";
    struct iovec part = {data, 4};
    must_sys(lseek(file, 100, SEEK_SET));
    show_sys(pwritev2(file, &part, 1, -1, 0));
    say("at %ld\n", (long)lseek(file, 0, SEEK_CUR));
    must_sys(lseek(file, 100, SEEK_SET));
    memset(data, 0, sizeof data);
    show_sys(preadv2(file, &part, 1, -1, 0));
    say("%s at %ld\n", data, (long)lseek(file, 0, SEEK_CUR));
    long end = (long)lseek(file, 0, SEEK_END);
    show_sys(pwritev2(file, &part, 1, 0, RWF_APPEND));
    say("grew by %ld\n", (long)lseek(file, 0, SEEK_END) - end);
    show_sys(preadv2(file, &part, 1, 0, RWF_HIPRI));
    return argument;
}

static void *fails(void *argument)
{
    char data[8] = "";
    struct iovec part = {data, 4}, bad = {bad_pointer, 4};
    struct iovec *many = calloc(2000, sizeof *many);
    int ends[2];
    must_sys(pipe(ends));
    show_sys(pwritev(-1, &part, 1, 0));
    show_sys(pwritev(file, &part, 1, -1));
    show_sys(pwritev(file, &bad, 1, 0));
    show_sys(pwritev(file, bad_pointer, 1, 0));
    show_sys(pwritev(file, many, 2000, 0));
    show_sys(pwritev(ends[1], &part, 1, 0));
    show_sys(pwritev2(file, &part, 1, 0, 0x10000));
    show_sys(pwritev2(file, &part, 1, -2, 0));
    show_sys(preadv2(file, &part, 1, -2, 0));
    show_sys(preadv2(ends[0], &part, 1, 0, 0));
    show_sys(preadv2(ends[0], &part, 1, -1, RWF_NOWAIT));
    show_sys(pwritev2(ends[1], &part, 1, -1, 0));
    show_sys(preadv2(ends[0], &part, 1, -1, 0));
    show_sys(preadv(file, many, 0, 0));
    free(many);
    close(ends[0]);
    close(ends[1]);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    file = (int)must_sys(open("vectors", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    start_many(threads, THREADS, writes_and_reads);
    join_many(threads, THREADS);
    for (int i = 0; i < 2; i++) {
        i ? uses_the_offset(NULL) : join(start(uses_the_offset, NULL));
        i ? fails(NULL) : join(start(fails, NULL));
    }
    must_sys(unlink("vectors"));
    return finished();
}
