/* SPDX-License-Identifier: MIT */
/* Every byte of a message follows from the connection, the request and its place, so that an answer
 * that belongs to another connection, or to an earlier request, cannot pass. */
#include "protocol.h"

#include <string.h>

/* Writes the bytes from `from` on; `from` need not be a multiple of a word. */
static void pattern(const struct talk *talk, size_t from, unsigned char *out, size_t length)
{
    uint64_t seed = ((uint64_t)talk->index << 40) ^ talk->sequence;

    while (length > 0) {
        uint64_t word = hash_spread((seed << 14) + from / sizeof word + 1);
        size_t skip = from % sizeof word;
        size_t part = sizeof word - skip < length ? sizeof word - skip : length;

        memcpy(out, (unsigned char *)&word + skip, part);
        out += part;
        from += part;
        length -= part;
    }
}

static size_t compose(const struct talk *talk, unsigned char *out)
{
    pattern(talk, 0, out, options.size);
    return options.size;
}

static enum verdict consume(struct talk *talk, const unsigned char *bytes, size_t length)
{
    static unsigned char expected[LARGEST_MESSAGE];

    if (length > options.size - talk->received)
        return ANSWER_WRONG;
    pattern(talk, talk->received, expected, length);
    if (memcmp(expected, bytes, length) != 0)
        return ANSWER_WRONG;
    talk->hash = hash_add(talk->hash, bytes, length);
    talk->received += length;
    return talk->received == options.size ? ANSWER_COMPLETE : ANSWER_PARTIAL;
}

const struct protocol protocol_echo = { .compose = compose, .consume = consume };
