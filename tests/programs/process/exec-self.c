/* SPDX-License-Identifier: MIT */
/* A program with threads executes itself, from main and from a thread, and has threads again. */
#include "check.h"

enum { THREADS = 20 };

static char *next_argument;

static void *waits(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *executes(void *argument)
{
    execl("/proc/self/exe", "again", next_argument, (char *)NULL);
    return argument;
}

int main(int count, char **arguments)
{
    pthread_t threads[THREADS];
    static char text[16];
    int round = count > 1 ? atoi(arguments[1]) : 0;
    start_many(threads, THREADS, waits);
    usleep(2000);
    say("round %d\n", round);
    if (round == 4)
        return 14;
    snprintf(text, sizeof text, "%d", round + 1);
    next_argument = text;
    if (round % 2)
        executes(NULL);
    join(start(executes, NULL));
    return 1;
}
