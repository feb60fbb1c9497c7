/* SPDX-License-Identifier: MIT */
/* yield THREADS ROUNDS: threads on one CPU that do nothing but let the next one run. */
#include "measure.h"

#include <sched.h>

static long rounds;

static void *give_way(void *argument)
{
    for (long i = 0; i < rounds; i++)
        sched_yield();
    return argument;
}

int main(int count, char **arguments)
{
    long threads = number_at(1, count, arguments);
    pthread_t *all = calloc((size_t)threads, sizeof *all);
    uint64_t began;

    rounds = number_at(2, count, arguments);
    began = now_ns();
    for (long i = 0; i < threads; i++)
        all[i] = start(give_way, NULL);
    for (long i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    say("ns_per_yield", (double)(now_ns() - began) / (double)(rounds * threads));
    return 0;
}
