/* SPDX-License-Identifier: MIT */
/* Threads that create and join threads, three levels deep: 6 + 36 + 216. */
#include "check.h"

enum { FANOUT = 6, DEPTH = 3 };

static void *node(void *argument)
{
    int depth = index_of(argument);
    long below = 1;
    pthread_t children[FANOUT];
    if (depth == DEPTH)
        return (void *)1;
    for (int i = 0; i < FANOUT; i++)
        children[i] = start(node, (void *)(intptr_t)(depth + 1));
    for (int i = 0; i < FANOUT; i++)
        below += (long)join(children[i]);
    return (void *)below;
}

int main(void)
{
    say("%ld nodes\n", (long)node(0));
    return finished();
}
