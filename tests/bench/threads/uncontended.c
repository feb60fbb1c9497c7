/* SPDX-License-Identifier: MIT */
/* uncontended ROUNDS: lock and unlock a mutex that nobody else wants, in a thread. */
#include "measure.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long rounds;

static void *lock_and_unlock(void *argument)
{
    uint64_t began = now_ns();

    for (long i = 0; i < rounds; i++) {
        pthread_mutex_lock(&lock);
        pthread_mutex_unlock(&lock);
    }
    say("ns_per_pair", (double)(now_ns() - began) / (double)rounds);
    return argument;
}

int main(int count, char **arguments)
{
    rounds = number_at(1, count, arguments);
    pthread_join(start(lock_and_unlock, NULL), NULL);
    return 0;
}
