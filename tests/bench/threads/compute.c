/* SPDX-License-Identifier: MIT */
/* compute THREADS MILLIONS: threads that never wait share the CPUs; how long until all have done
 * so many million steps? */
#include "measure.h"

static long steps;

static void *compute(void *argument)
{
    uint64_t x = (uintptr_t)argument | 1;

    for (long i = 0; i < steps; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return (void *)(uintptr_t)(x | 1);
}

int main(int count, char **arguments)
{
    long threads = number_at(1, count, arguments);
    pthread_t *all = calloc((size_t)threads, sizeof *all);
    uint64_t began;

    steps = number_at(2, count, arguments) * 1000000;
    began = now_ns();
    for (long i = 0; i < threads; i++)
        all[i] = start(compute, (void *)(intptr_t)i);
    for (long i = 0; i < threads; i++) {
        void *result;

        pthread_join(all[i], &result);
        if (!result)
            errx(1, "no result");
    }
    say("ms", (double)(now_ns() - began) / 1e6);
    return 0;
}
