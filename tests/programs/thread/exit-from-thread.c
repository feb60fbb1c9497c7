/* SPDX-License-Identifier: MIT */
/* exit() in a thread while main joins it: handlers in reverse order, buffers flushed, its
 * status. */
#include "check.h"

static void first(void)
{
    printf("registered first\n");
}

static void second(void)
{
    printf("registered second\n");
}

static void *blocks(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *exits(void *argument)
{
    (void)argument;
    settle();
    printf("unflushed line of the thread\n");
    exit(5);
}

int main(void)
{
    pthread_t threads[20];
    atexit(first);
    atexit(second);
    start_many(threads, 20, blocks);
    join(start(exits, NULL));
    say("not reached\n");
    return 1;
}
