/* SPDX-License-Identifier: MIT */
/* Children of children of children, each forked by a thread of its parent, three deep and two wide, and by main
 * in turn; every one has threads that talk, and every status arrives. */
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { DEPTH = 3, WIDTH = 2 };

static int level;

static void *talks(void *argument)
{
    int ends[2] = {index_of(argument), 0};
    char byte;
    for (int i = 0; i < 20; i++)
        expect(read(ends[0], &byte, 1) == 1 && write(ends[0], &byte, 1) == 1);
    return NULL;
}

static void converse(void)
{
    int ends[2];
    char byte = 'x';
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_t partner = start(talks, (void *)(intptr_t)ends[1]);
    for (int i = 0; i < 20; i++)
        expect(write(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
    join(partner);
    close(ends[0]);
    close(ends[1]);
}

static int descend(void);

/* How many processes were below. */
static void *forks(void *argument)
{
    int status = 0;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        level++;
        _exit(descend());
    }
    must_sys(waitpid(child, &status, 0));
    expect(WIFEXITED(status));
    return (void *)(intptr_t)WEXITSTATUS(status);
}

static int descend(void)
{
    pthread_t threads[WIDTH];
    int below = 1;
    converse();
    if (level < DEPTH) {
        start_many(threads, WIDTH, forks);
        for (int i = 0; i < WIDTH; i++)
            below += index_of(join(threads[i]));
        if (level == 0)
            below += index_of(forks(NULL));
    }
    converse();
    return broken_expectations ? 100 : below;
}

int main(void)
{
    say("processes: %d\n", descend());
    return finished();
}
