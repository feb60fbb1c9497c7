/* SPDX-License-Identifier: MIT */
/* Loads a server over many connections from one thread, in a closed loop: a connection asks again
 * when its answer has come and was found right. First every connection is opened and asks once, so
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
            link_begin(link);
        }
        if (links.busy > 0 && !links_pump())
            return false;
    }
    return true;
}

static void load(void)
{
    uint64_t start = latency_now();

    links.counting = true;
    if (options.seconds > 0) {
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
    bool opened;

    options_parse(&options, count, arguments);
    links_init();
    opened = run(options.connections, options.window, 1, 0);
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
