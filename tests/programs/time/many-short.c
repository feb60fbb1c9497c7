/* SPDX-License-Identifier: MIT */
/* Two hundred threads sleep thirty times for up to two milliseconds: none early, none
 * forgotten. */
#include "check.h"

enum { THREADS = 200, ROUNDS = 30 };

static int slept;

static void *sleeps(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t ns = (index_of(argument) * 7919 + i * 104729) % 2000000;
        struct timespec pause = timespec_of(ns);
        int64_t begin = now_ns();
        expect(nanosleep(&pause, NULL) == 0);
        expect(now_ns() - begin >= ns);
        __atomic_fetch_add(&slept, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, sleeps);
    join_many(threads, THREADS);
    say("slept %d times\n", slept);
    return finished();
}
