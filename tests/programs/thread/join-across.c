/* SPDX-License-Identifier: MIT */
/* A chain: each thread joins the one before it and adds one; and a cross: threads join threads
 * that others made. */
#include "check.h"

enum { THREADS = 100 };

static pthread_t threads[THREADS];

static void *link_of_chain(void *argument)
{
    int i = index_of(argument);
    if (i == 0)
        return (void *)1;
    return (char *)join(threads[i - 1]) + 1;
}

int main(void)
{
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(link_of_chain, (void *)(intptr_t)i);
    say("chain of %ld\n", (long)join(threads[THREADS - 1]));
    return finished();
}
