/* SPDX-License-Identifier: MIT */
/* O_DIRECT, set at the opening and later: positioned reads by many threads, aligned and not, at the end and
 * beyond it. */
#include <fcntl.h>
#include <sys/uio.h>

#include "check.h"

enum { BLOCK = 4096, BLOCKS = 64, THREADS = 16 };

static char path[] = "direct-XXXXXX";
static int file;

static void *reads(void *argument)
{
    size_t me = (size_t)argument;
    char *block = aligned_alloc(BLOCK, BLOCK);
    for (size_t i = 0; i < 40; i++) {
        size_t number = (me * 7 + i * 13) % BLOCKS;
        expect(pread(file, block, BLOCK, (off_t)(number * BLOCK)) == BLOCK);
        expect(block[0] == (char)number && block[BLOCK - 1] == (char)number);
        struct iovec part = {block, BLOCK};
        expect(preadv(file, &part, 1, (off_t)(number * BLOCK)) == BLOCK);
        expect(block[1] == (char)number);
    }
    free(block);
    return argument;
}

static void *edges(void *argument)
{
    char *block = aligned_alloc(BLOCK, BLOCK);
    show_sys(pread(file, block, BLOCK, BLOCK * (off_t)(BLOCKS - 1)));
    show_sys(pread(file, block, BLOCK, BLOCK * (off_t)BLOCKS));
    show_sys(pread(file, block, BLOCK, -BLOCK));
    free(block);
    return argument;
}

static void use(const char *how)
{
    pthread_t threads[THREADS];
    say("%s\n", how);
    start_many(threads, THREADS, reads);
    join_many(threads, THREADS);
    join(start(edges, NULL));
}

int main(void)
{
    char *block = aligned_alloc(BLOCK, BLOCK);
    int made = (int)must_sys(mkstemp(path));
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, i, BLOCK);
        must_sys(pwrite(made, block, BLOCK, (off_t)i * BLOCK));
    }
    free(block);
    close(made);
    file = open(path, O_RDONLY | O_DIRECT);
    if (file < 0) { /* the file system knows no such thing */
        file = (int)must_sys(open(path, O_RDONLY));
        say("not here\n");
    }
    unlink(path);
    use("direct");
    int flags = (int)must_sys(fcntl(file, F_GETFL));
    must_sys(fcntl(file, F_SETFL, flags & ~O_DIRECT));
    use("cached");
    fcntl(file, F_SETFL, flags);
    use("direct again");
    close(file);
    return finished();
}
