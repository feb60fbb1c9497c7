/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { MOST_PATHS = 16, LARGEST_MESSAGE = 65536 };

struct options {
    unsigned port;
    unsigned connections;
    unsigned active;      /* those that ask again and again; the others ask once and stay open */
    unsigned window;      /* connections that may be on their way at the same time */
    unsigned patience;    /* seconds without any answer after which the run is given up */
    unsigned size;        /* bytes of an echo message */
    unsigned socks_port;  /* not 0: `port` is a SOCKS5 relay, to be asked for this port */
    double seconds;       /* not 0: how long to ask */
    uint64_t requests;    /* otherwise: how often, over all active connections */
    double rate;          /* not 0: requests per second over all of them, whatever the server does */
    unsigned path_count;  /* not 0: HTTP */
    const char *paths[MOST_PATHS];
    const char *volatile_header; /* not NULL: not a part of the hash, as Date is none */
    bool stepped;         /* say "open" and "loaded" and wait for a line of input after each */
    bool closing; /* HTTP: a connection for each request */
};

/* Ends the program with a message when the arguments make no sense. */
void options_parse(struct options *options, int count, char **arguments);

#endif
