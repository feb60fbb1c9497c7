/* SPDX-License-Identifier: MIT */
/* Threads that come one after another have kernel thread ids of their own: who has noted one does not meet it
 * again in the next thread. gettid and syscall() say the same, and it is not the process's. */
#include <sys/syscall.h>

#include "check.h"

enum { THREADS = 200 };

static pid_t ids[THREADS];

static void *tells(void *argument)
{
    ids[index_of(argument)] = gettid();
    expect(syscall(SYS_gettid) == gettid());
    expect(gettid() != getpid() && gettid() > 0);
    usleep(100);
    expect(ids[index_of(argument)] == gettid());
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

int main(void)
{
    for (int i = 0; i < THREADS; i++)
        join(start(tells, (void *)(intptr_t)i));
    qsort(ids, THREADS, sizeof *ids, compare);
    int doubled = 0;
    for (int i = 1; i < THREADS; i++)
        doubled += ids[i] == ids[i - 1];
    say("ids used twice: %d\n", doubled);
    return finished();
}
