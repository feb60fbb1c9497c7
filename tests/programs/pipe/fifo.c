/* SPDX-License-Identifier: MIT */
/* A FIFO: opening waits for the other side, non-blocking it does not, ENXIO without a reader. */
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"

enum { PAIRS = 10 };

static char names[PAIRS][16];

static void *opens_to_read(void *argument)
{
    char text[8] = "";
    int fd = (int)must_sys(open(names[index_of(argument)], O_RDONLY));
    expect(read(fd, text, sizeof text) == 5 && strcmp(text, "hello") == 0);
    expect(read(fd, text, sizeof text) == 0);
    close(fd);
    return NULL;
}

static void *opens_to_write(void *argument)
{
    int fd = (int)must_sys(open(names[index_of(argument)], O_WRONLY));
    must_sys(write(fd, "hello", 5));
    close(fd);
    return NULL;
}

int main(void)
{
    pthread_t readers[PAIRS], writers[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        snprintf(names[i], sizeof names[i], "fifo-%d", i);
        must_sys(mkfifo(names[i], 0600));
    }
    show_sys(mkfifo(names[0], 0600));
    show_sys(open(names[0], O_WRONLY | O_NONBLOCK));
    int fd = (int)must_sys(open(names[0], O_RDONLY | O_NONBLOCK));
    char byte;
    show_sys(read(fd, &byte, 1));
    close(fd);
    start_many(readers, PAIRS, opens_to_read);
    settle();
    start_many(writers, PAIRS, opens_to_write);
    join_many(readers, PAIRS);
    join_many(writers, PAIRS);
    start_many(writers, PAIRS, opens_to_write);
    settle();
    start_many(readers, PAIRS, opens_to_read);
    join_many(readers, PAIRS);
    join_many(writers, PAIRS);
    for (int i = 0; i < PAIRS; i++)
        must_sys(unlink(names[i]));
    return finished();
}
