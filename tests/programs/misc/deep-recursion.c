/* SPDX-License-Identifier: MIT */
/* A thread may use nearly the whole stack it asked for, again and again, across waits. */
#include "check.h"

enum { THREADS = 16 };

static size_t sizes[] = {48 << 10, 64 << 10, 256 << 10, 1 << 20};

static unsigned recurse(size_t left)
{
    volatile unsigned char frame[1024];
    memset((void *)frame, (int)(left & 0xff), sizeof frame);
    if (left > 2048) {
        if (left % (32 << 10) < 1100)
            sched_yield();
        unsigned below = recurse(left - 1100);
        return below + (frame[512] == (left & 0xff));
    }
    usleep(1000);
    return frame[512] == (left & 0xff);
}

static void *routine(void *argument)
{
    size_t usable = sizes[index_of(argument) % 4] - (20 << 10);
    unsigned first = recurse(usable);
    for (int i = 0; i < 3; i++)
        expect(recurse(usable) == first);
    volatile char *all = __builtin_alloca(usable);
    memset((char *)all, 7, usable);
    usleep(3000);
    for (size_t i = 0; i < usable; i += 256)
        expect(all[i] == 7);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    for (int i = 0; i < THREADS; i++) {
        must(pthread_attr_setstacksize(&attr, sizes[i % 4]));
        must(pthread_create(&threads[i], &attr, routine, (void *)(intptr_t)i));
    }
    join_many(threads, THREADS);
    return finished();
}
