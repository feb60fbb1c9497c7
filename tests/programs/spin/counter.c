/* SPDX-License-Identifier: MIT */
/* Spin locks under contention, also held across a yield: the waiters must not keep the owner
 * out. */
#include "check.h"

enum { THREADS = 12, ROUNDS = 300 };

static pthread_spinlock_t lock;
static volatile int counter;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_spin_lock(&lock));
        counter = counter + 1;
        if (i % 100 == 0)
            sched_yield();
        must(pthread_spin_unlock(&lock));
    }
    return argument;
}

static void *tries(void *argument)
{
    show(pthread_spin_trylock(&lock));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    show(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE));
    start_many(threads, THREADS, routine);
    routine(NULL);
    join_many(threads, THREADS);
    say("counter %d\n", counter);
    show(pthread_spin_trylock(&lock));
    join(start(tries, NULL));
    show(pthread_spin_unlock(&lock));
    show(pthread_spin_destroy(&lock));
    return finished();
}
