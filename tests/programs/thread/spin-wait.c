/* SPDX-License-Identifier: MIT */
/* Busy threads that never enter libc must not keep the one from running that sets them free. */
#include "check.h"

enum { SPINNERS = 8 };

static int go, spinning;

static void *spins(void *argument)
{
    __atomic_fetch_add(&spinning, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        ;
    return argument;
}

static void *sets(void *argument)
{
    while (__atomic_load_n(&spinning, __ATOMIC_ACQUIRE) < SPINNERS)
        sched_yield();
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    return argument;
}

int main(void)
{
    pthread_t threads[SPINNERS];
    start_many(threads, SPINNERS, spins);
    pthread_t setter = start(sets, NULL);
    join_many(threads, SPINNERS);
    join(setter);
    say("%d were set free\n", spinning);
    return finished();
}
