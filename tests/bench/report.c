/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

void report_print(const struct report *report)
{
    double seconds = report->seconds > 0 ? report->seconds : 1e-9;

    printf("{\"connections\": %u, \"requests\": %" PRIu64 ", \"errors\": %" PRIu64
           ", \"open_seconds\": %.3f, \"seconds\": %.3f, \"requests_per_second\": %.1f, "
           "\"p50_us\": %.1f, \"p90_us\": %.1f, "
           "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, \"answers_hash\": \"%016" PRIx64
           "\", \"first_error\": \"%s\"}\n",
           report->connections, report->requests, report->errors, report->open_seconds,
           report->seconds, (double)report->requests / seconds,
           latency_share(&report->latency, 0.5), latency_share(&report->latency, 0.9), latency_share(&report->latency, 0.99),
           latency_share(&report->latency, 0.999), (double)report->latency.longest / 1e3,
           report->answers_hash, report->first_error ? report->first_error : "");
    fflush(stdout);
}

void report_step(const char *word)
{
    int byte;

    printf("%s\n", word);
    fflush(stdout);
    do
        byte = getchar();
    while (byte != '\n' && byte != EOF);
}
