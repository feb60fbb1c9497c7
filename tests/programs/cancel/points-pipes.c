/* SPDX-License-Identifier: MIT */
/* Cancelled while it opens a FIFO that nobody else opens, and while it splices and tees. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "cancelling.h"

static int empty[2], full[2], sink[2];
static char block[4096];

static void in_open_to_read(void)
{
    open("nobody-opens", O_RDONLY);
}

static void in_open_to_write(void)
{
    open("nobody-opens", O_WRONLY);
}

static void in_openat(void)
{
    openat(AT_FDCWD, "nobody-opens", O_RDONLY | O_CLOEXEC);
}

static void in_fopen(void)
{
    fopen("nobody-opens", "r");
}

static void in_splice(void)
{
    splice(empty[0], NULL, sink[1], NULL, 10, 0);
}

static void in_splice_to_full(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    splice(zero, NULL, full[1], NULL, 10, 0);
}

static void in_tee(void)
{
    tee(empty[0], sink[1], 10, 0);
}

static void in_vmsplice(void)
{
    struct iovec part = {block, sizeof block};
    vmsplice(full[1], &part, 1, 0);
}

static void still_good(void)
{
    char byte;
    must_sys(write(empty[1], "x", 1));
    expect(splice(empty[0], NULL, sink[1], NULL, 1, 0) == 1);
    expect(read(sink[0], &byte, 1) == 1 && byte == 'x');
}

static const struct blocking_call calls[] = {
    {"open to read", in_open_to_read},
    {"open to write", in_open_to_write},
    {"openat", in_openat},
    {"fopen", in_fopen},
    {"splice", in_splice},
    {"splice to a full pipe", in_splice_to_full},
    {"tee", in_tee},
    {"vmsplice", in_vmsplice},
};

int main(void)
{
    must_sys(mkfifo("nobody-opens", 0600));
    must_sys(pipe(empty));
    must_sys(pipe(full));
    must_sys(pipe(sink));
    must_sys(fcntl(full[1], F_SETFL, O_NONBLOCK));
    while (write(full[1], block, sizeof block) > 0)
        ;
    must_sys(fcntl(full[1], F_SETFL, 0));
    CANCEL_IN_EACH(calls, still_good);
    /* Nobody has it open: opening for writing says so. */
    show_sys(open("nobody-opens", O_WRONLY | O_NONBLOCK));
    return finished();
}
