/* SPDX-License-Identifier: MIT */
/* pthread_yield, which old binaries import: others get their turn. */
#include "check.h"

int old_yield(void);
__asm__(".symver old_yield, pthread_yield@GLIBC_2.2.5");

enum { THREADS = 10 };

static int turns[THREADS], stop;

static void *takes_turns(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        __atomic_fetch_add(&turns[index_of(argument)], 1, __ATOMIC_SEQ_CST);
        must(old_yield());
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, takes_turns);
    for (int i = 0; i < THREADS; i++)
        while (__atomic_load_n(&turns[i], __ATOMIC_SEQ_CST) < 100)
            old_yield();
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    join_many(threads, THREADS);
    return finished();
}
