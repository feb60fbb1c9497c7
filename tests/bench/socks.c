/* SPDX-License-Identifier: MIT */
/* The two exchanges with which a SOCKS5 relay is asked for a connection (RFC 1928, without a
 * password). */
#include "protocol.h"

#include <string.h>

static size_t compose_greeting(const struct talk *talk, unsigned char *out)
{
    (void)talk;
    memcpy(out, "\x05\x01\x00", 3);
    return 3;
}

static enum verdict consume_greeting(struct talk *talk, const unsigned char *bytes, size_t length)
{
    static const unsigned char expected[2] = { 5, 0 };

    if (length > sizeof expected - talk->received ||
        memcmp(bytes, expected + talk->received, length) != 0)
        return ANSWER_WRONG;
    talk->received += length;
    return talk->received == sizeof expected ? ANSWER_COMPLETE : ANSWER_PARTIAL;
}

static size_t compose_request(const struct talk *talk, unsigned char *out)
{
    (void)talk;
    memcpy(out, "\x05\x01\x00\x01\x7f\x00\x00\x01", 8);
    out[8] = (unsigned char)(options.socks_port >> 8);
    out[9] = (unsigned char)options.socks_port;
    return 10;
}

/* Version, status, reserved, IPv4, and an address of which a relay may say what it likes. */
static enum verdict consume_request(struct talk *talk, const unsigned char *bytes, size_t length)
{
    static const unsigned char expected[4] = { 5, 0, 0, 1 };

    for (size_t i = 0; i < length; i++, talk->received++)
        if (talk->received >= 10 ||
            (talk->received < sizeof expected && bytes[i] != expected[talk->received]))
            return ANSWER_WRONG;
    return talk->received == 10 ? ANSWER_COMPLETE : ANSWER_PARTIAL;
}

const struct protocol protocol_socks_greeting = {
    .compose = compose_greeting,
    .consume = consume_greeting,
};
const struct protocol protocol_socks_request = {
    .compose = compose_request,
    .consume = consume_request,
};
