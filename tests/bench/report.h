/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "latency.h"

struct report {
    unsigned connections; /* that were open and had an answer when the load began */
    uint64_t requests;
    uint64_t errors;
    uint64_t answers_hash;
    double open_seconds; /* until all had their first answer */
    double seconds;
    const char *first_error; /* NULL: none */
    struct latency latency;
};

/* One JSON object on one line of standard output. */
void report_print(const struct report *report);

/* Says `word` and waits for a line of input: whoever measures the server does so now. */
void report_step(const char *word);

#endif
