/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include "options.h"

#include <stddef.h>
#include <stdint.h>

enum verdict {
    ANSWER_PARTIAL,
    ANSWER_COMPLETE,
    ANSWER_FINAL, /* complete, and the peer ends the connection */
    ANSWER_WRONG,
};

/* One conversation. The driver owns it; protocols write only what is banded as theirs. */
struct talk {
    unsigned index;
    uint64_t sequence; /* number of the request that is being asked */

    /* The protocol's. */
    uint64_t hash;   /* of all answers up to now */
    size_t received; /* bytes of the answer that have come */
    char *held;      /* HTTP: the answer, while it is incomplete */
    size_t held_room;
};

/* Filters of a connection's life: each handles one exchange, the last one repeats. */
struct protocol {
    /* Writes the request into `out`, which has room for LARGEST_MESSAGE bytes, and returns its
     * length. */
    size_t (*compose)(const struct talk *talk, unsigned char *out);
    enum verdict (*consume)(struct talk *talk, const unsigned char *bytes, size_t length);
    /* The peer closed in the middle of an answer. NULL: that is wrong. */
    enum verdict (*end)(struct talk *talk);
};

extern const struct protocol protocol_echo, protocol_http, protocol_socks_greeting,
    protocol_socks_request;

extern struct options options; /* written by main before anything else runs */

/* FNV-1a; start with HASH_START. */
#define HASH_START 0xcbf29ce484222325u
uint64_t hash_add(uint64_t hash, const void *bytes, size_t length);

/* So that sums of hashes of different connections cannot cancel each other. */
uint64_t hash_spread(uint64_t value);

#endif
