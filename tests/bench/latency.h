/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/* A histogram whose buckets are 1/32 of their value wide: 3 % error at any size, in constant
 * memory. */
enum { LATENCY_FINE = 32, LATENCY_BUCKETS = LATENCY_FINE * 60 };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t total;
    uint64_t longest;
};

void latency_add(struct latency *latency, uint64_t nanoseconds);

/* `share` is 0.5 for the median; the result is in microseconds. */
double latency_share(const struct latency *latency, double share);

uint64_t latency_now(void); /* nanoseconds on the monotonic clock */

#endif
