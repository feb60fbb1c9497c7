/* SPDX-License-Identifier: MIT */
/* contended ROUNDS: 64 threads take one mutex for a short section, ROUNDS times each, with a little
 * work of their own in between. */
#include "measure.h"

enum { THREADS = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared[8];
static long rounds;

static void *contend(void *argument)
{
    for (long i = 0; i < rounds; i++) {
        pthread_mutex_lock(&lock);
        for (int k = 0; k < 8; k++)
            shared[k]++;
        pthread_mutex_unlock(&lock);
        for (volatile int k = 0; k < 30; k++)
            ;
    }
    return argument;
}

int main(int count, char **arguments)
{
    pthread_t threads[THREADS];
    uint64_t began;

    rounds = number_at(1, count, arguments);
    began = now_ns();
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(contend, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (shared[7] != THREADS * rounds)
        errx(1, "the mutex did not exclude");
    say("ns_per_section", (double)(now_ns() - began) / (double)(THREADS * rounds));
    return 0;
}
