/* SPDX-License-Identifier: MIT */
/* O_NONBLOCK on pipes, also set while the other end blocks on its own. */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "check.h"

static int pipes[2];

static void *routine(void *argument)
{
    char block[4096] = {0};
    int waiting, written = 0;
    must_sys(pipe2(pipes, O_NONBLOCK | O_CLOEXEC));
    show_sys(read(pipes[0], block, 1));
    while (write(pipes[1], block, sizeof block) > 0)
        written++;
    say("full: %s\n", error_name(errno));
    expect(written > 0);
    show_sys(ioctl(pipes[0], FIONREAD, &waiting));
    expect(waiting == written * 4096);
    show_sys(write(pipes[1], block, 1));
    must_sys(read(pipes[0], block, sizeof block));
    show_sys(write(pipes[1], block, sizeof block));
    close(pipes[1]);
    while (written-- > 0)
        must_sys(read(pipes[0], block, sizeof block));
    show_sys(read(pipes[0], block, 1));
    close(pipes[0]);
    return argument;
}

static void *blocks(void *argument)
{
    char byte;
    show_sys(read(pipes[0], &byte, 1));
    return argument;
}

int main(void)
{
    join(start(routine, NULL));
    must_sys(pipe(pipes));
    pthread_t thread = start(blocks, NULL);
    settle();
    must_sys(fcntl(pipes[1], F_SETFL, O_NONBLOCK));
    must_sys(write(pipes[1], "x", 1));
    join(thread);
    expect((fcntl(pipes[0], F_GETFL) & O_NONBLOCK) == 0);
    return finished();
}
