/* SPDX-License-Identifier: MIT */
/* Readers and writers with short deadlines: exclusion holds, and the lock is free in the end. */
#include "check.h"

enum { THREADS = 24, ROUNDS = 80 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int readers, writers;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        bool writes = (i + index_of(argument)) % 4 == 0;
        struct timespec soon = timespec_of(clock_ns(CLOCK_MONOTONIC) + (i % 4) * 300000);
        int error = writes ? pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &soon)
                           : pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &soon);
        if (error) {
            expect(error == ETIMEDOUT);
            continue;
        }
        int *mine = writes ? &writers : &readers;
        int others = __atomic_add_fetch(mine, 1, __ATOMIC_SEQ_CST);
        expect(!writes || (others == 1 && __atomic_load_n(&readers, __ATOMIC_SEQ_CST) == 0));
        usleep(100);
        __atomic_fetch_sub(mine, 1, __ATOMIC_SEQ_CST);
        must(pthread_rwlock_unlock(&lock));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    show(pthread_rwlock_trywrlock(&lock));
    show(pthread_rwlock_unlock(&lock));
    return finished();
}
