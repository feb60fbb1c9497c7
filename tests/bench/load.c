/* SPDX-License-Identifier: MIT */
/* Loads a server over many connections from one thread. In a closed loop a connection asks again
 * when its answer has come and was found right; with a rate it asks on a schedule, as clients do
 * that know nothing of each other, and a slow answer makes it late, not rare. First every connection is opened and asks once, so
 * that the server has really met it; then the active ones ask for as long as they were told. */
#include "links.h"

struct options options;

/* The first `count` links ask `quota` times each, and the first `extra` of them once more; at most
 * `window` at the same time. True when all are through, false when the server fell silent. */
static bool run(unsigned count, unsigned window, uint64_t quota, uint64_t extra)
{
    unsigned next = 0;

    while (next < count || links.busy > 0) {
        while (next < count && links.busy < window) {
            struct link *link = &links.all[next];

            link->quota = link->failed ? 0 : quota + (next < extra);
            next++;
            if (link->quota == 0)
                continue;
            links.busy++;
            link_begin(link, latency_now());
        }
        if (links.busy > 0 && !links_pump(0))
            return false;
    }
    return true;
}

static uint64_t time_of(uint64_t start, uint64_t request)
{
    return start + (uint64_t)((double)request * 1e9 / options.rate);
}

/* Request n is due at `start` + n / rate, on connection n modulo the active ones. One that has not
 * had its last answer asks as soon as it has it, and its time counts from when it was due. */
static void keep_pace(uint64_t start, uint64_t count)
{
    bool heard = true;

    links.interval = (uint64_t)(options.active * 1e9 / options.rate);
    links.ask_until = (time_of(start, count - 1) + time_of(start, count)) / 2;
    for (unsigned i = 0; i < options.active; i++)
        links.all[i].due = time_of(start, i);
    for (uint64_t n = 0; heard && (n < count || links.busy > 0);) {
        for (; n < count && time_of(start, n) <= latency_now(); n++) {
            struct link *link = &links.all[n % options.active];

            if (link->quota > 0 || link->failed || link->due > time_of(start, n) + links.interval / 2)
                continue; /* asks by itself, never again, or has just done so */
            link->quota = 1;
            links.busy++;
            link_begin_due(link);
        }
        heard = links_pump(n < count ? time_of(start, n) : 0);
    }
}

static void load(void)
{
    uint64_t start = latency_now();

    links.counting = true;
    if (options.rate > 0) {
        keep_pace(start, options.seconds > 0 ? (uint64_t)(options.seconds * options.rate)
                                             : options.requests);
    } else if (options.seconds > 0) {
        links.ask_until = start + (uint64_t)(options.seconds * 1e9);
        run(options.active, options.active, UINT64_MAX / 2, 0);
    } else {
        run(options.active, options.active, options.requests / options.active,
            options.requests % options.active);
    }
    links.report.seconds = (double)(latency_now() - start) / 1e9;
}

static void sum_up(void)
{
    for (unsigned i = 0; i < options.connections; i++)
        links.report.answers_hash += hash_spread(links.all[i].talk.hash + i);
}

int main(int count, char **arguments)
{
    uint64_t start;
    bool opened;

    options_parse(&options, count, arguments);
    links_init();
    start = latency_now();
    opened = run(options.connections, options.window, 1, 0);
    links.report.open_seconds = (double)(latency_now() - start) / 1e9;
    for (unsigned i = 0; i < options.connections; i++)
        links.report.connections += links.all[i].talk.sequence > 0;
    if (options.stepped)
        report_step("open");
    if (opened)
        load();
    if (options.stepped)
        report_step("loaded");
    sum_up();
    report_print(&links.report);
    links_finish();
    return links.report.errors > 0;
}
