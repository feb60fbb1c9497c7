/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include <time.h>

/* Values below LATENCY_FINE have a bucket each; above, each power of two has LATENCY_FINE buckets.
 * */
static unsigned bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < LATENCY_FINE)
        return (unsigned)value;
    shift = 63 - 5 - (unsigned)__builtin_clzll(value);
    return (shift + 1) * LATENCY_FINE + (unsigned)((value >> shift) - LATENCY_FINE);
}

static uint64_t bucket_middle(unsigned bucket)
{
    unsigned shift;

    if (bucket < LATENCY_FINE)
        return bucket;
    shift = bucket / LATENCY_FINE - 1;
    return ((uint64_t)(bucket % LATENCY_FINE + LATENCY_FINE) << shift) + ((1ULL << shift) / 2);
}

void latency_add(struct latency *latency, uint64_t nanoseconds)
{
    latency->counts[bucket_of(nanoseconds)]++;
    latency->total++;
    if (nanoseconds > latency->longest)
        latency->longest = nanoseconds;
}

double latency_share(const struct latency *latency, double share)
{
    uint64_t wanted = (uint64_t)((double)latency->total * share);
    uint64_t passed = 0;

    for (unsigned bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        passed += latency->counts[bucket];
        if (passed > wanted)
            return (double)bucket_middle(bucket) / 1e3;
    }
    return (double)latency->longest / 1e3;
}

uint64_t latency_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
