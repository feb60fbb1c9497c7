/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LINKS_H
#define BENCH_LINKS_H

#include "protocol.h"
#include "report.h"

#include <stdbool.h>

struct link {
    struct talk talk;
    int socket;       /* -1: not open */
    unsigned stage;   /* which of the protocols is on */
    uint64_t quota;   /* requests left in this phase, with the present one; 0: at rest */
    uint64_t asked_at; /* on a schedule: when it should have been asked */
    uint64_t due;      /* on a schedule: when to ask next */
    size_t sent;      /* bytes of the request that have left */
    bool awaits_room; /* epoll also watches for writing: the connection is made, or the peer slow */
    bool failed;      /* counted as an error, closed, never used again */
};

/* The phases in load.c write what is banded as theirs, links.c the rest. */
struct links {
    struct link *all;
    struct report report;
    unsigned busy; /* links with a request under way; who begins one adds it */

    /* The phases'. */
    uint64_t ask_until; /* nanoseconds; 0: until the quota is used up */
    uint64_t interval;  /* between two requests of a link; 0: it asks when it has its answer */
    bool counting;      /* the load has begun: answers go into the report */
};
extern struct links links;

/* All as the options say, none of them open. Ends the program if that cannot be. */
void links_init(void);
void links_finish(void);

/* Asks the next request, opening the connection if need be. Its time counts from `when`. */
void link_begin(struct link *link, uint64_t when);

/* The same for a link with a schedule, whose next request is due: asks it, and moves on to the one
 * after it. */
void link_begin_due(struct link *link);

/* Waits for answers, until `until` at most if it is not 0, and handles them: asks again while there
 * is quota, or what has become due. False when nothing has come for too long; all busy links have
 * failed then. */
bool links_pump(uint64_t until);

#endif
