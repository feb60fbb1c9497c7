/* SPDX-License-Identifier: MIT */
/* Asks for the paths in turn. The whole answer is hashed, but for its Date and what is said to differ, too. */
#include "protocol.h"

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t compose(const struct talk *talk, unsigned char *out)
{
    const char *path = options.paths[(talk->index + talk->sequence) % options.path_count];

    return (size_t)snprintf((char *)out, LARGEST_MESSAGE,
                            "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n%s\r\n", path,
                            options.closing ? "Connection: close\r\n" : "");
}

static void hold(struct talk *talk, const unsigned char *bytes, size_t length)
{
    if (talk->received + length > talk->held_room) {
        talk->held_room = (talk->received + length) * 2;
        talk->held = realloc(talk->held, talk->held_room);
        if (!talk->held)
            err(1, "out of memory");
    }
    memcpy(talk->held + talk->received, bytes, length);
    talk->received += length;
}

struct head {
    size_t length;   /* with the empty line; 0: not complete */
    long body;       /* -1: until the peer closes, or in chunks */
    bool chunked;
    bool closes;
};

static void read_header(struct head *head, const char *line)
{
    if (strncasecmp(line, "Content-Length:", 15) == 0)
        head->body = atol(line + 15);
    else if (strncasecmp(line, "Transfer-Encoding: chunked", 26) == 0)
        head->chunked = true;
    else if (strncasecmp(line, "Connection:", 11) == 0)
        head->closes = strncasecmp(line + 11, " close", 6) == 0;
}

static struct head read_head(const struct talk *talk)
{
    struct head head = { .body = -1, .closes = strncmp(talk->held, "HTTP/1.0", 8) == 0 };
    const char *end = memmem(talk->held, talk->received, "\r\n\r\n", 4);
    const char *line = talk->held;

    if (!end)
        return head;
    head.length = (size_t)(end - talk->held) + 4;
    while (line < end) {
        line = (const char *)memmem(line, (size_t)(end - line) + 2, "\r\n", 2) + 2;
        read_header(&head, line);
    }
    head.closes = head.closes || (head.body < 0 && !head.chunked);
    return head;
}

static bool is_header(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

static bool may_differ(const char *line)
{
    return is_header(line, "Date") ||
           (options.volatile_header && is_header(line, options.volatile_header));
}

static uint64_t hash_answer(uint64_t hash, const char *text, size_t head, size_t length)
{
    size_t from = 0;

    while (from < head) {
        const char *end = memchr(text + from, '\n', head - from);
        size_t line = (size_t)(end - (text + from)) + 1;

        if (!may_differ(text + from))
            hash = hash_add(hash, text + from, line);
        from += line;
    }
    return hash_add(hash, text + head, length - head);
}

static enum verdict finish(struct talk *talk, const struct head *head)
{
    bool good = talk->received > 12 && memcmp(talk->held + 8, " 200", 4) == 0;

    talk->hash = hash_answer(talk->hash, talk->held, head->length, talk->received);
    free(talk->held);
    talk->held = NULL;
    talk->held_room = 0;
    if (!good)
        return ANSWER_WRONG;
    return head->closes || options.closing ? ANSWER_FINAL : ANSWER_COMPLETE;
}

/* Whether the body that begins at `from` has its last chunk; trailers are not understood. */
static bool chunks_complete(const struct talk *talk, size_t from)
{
    for (;;) {
        const char *line = talk->held + from;
        const char *end = memmem(line, talk->received - from, "\r\n", 2);
        char *stop;
        unsigned long size;

        if (!end)
            return false;
        size = strtoul(line, &stop, 16);
        from += (size_t)(end - line) + 2;
        if (stop == line || size > LONG_MAX / 2 || talk->received - from < size + 2)
            return false;
        from += size + 2;
        if (size == 0)
            return from == talk->received;
    }
}

static enum verdict consume(struct talk *talk, const unsigned char *bytes, size_t length)
{
    struct head head;

    hold(talk, bytes, length);
    head = read_head(talk);
    if (head.length > 0 && head.chunked)
        return chunks_complete(talk, head.length) ? finish(talk, &head) : ANSWER_PARTIAL;
    if (head.length == 0 || head.body < 0 || talk->received < head.length + (size_t)head.body)
        return ANSWER_PARTIAL;
    if (talk->received > head.length + (size_t)head.body)
        return ANSWER_WRONG;
    return finish(talk, &head);
}

static enum verdict end(struct talk *talk)
{
    struct head head = { 0 };

    if (talk->held)
        head = read_head(talk);
    if (head.length == 0 || head.body >= 0 || head.chunked)
        return ANSWER_WRONG;
    return finish(talk, &head);
}

const struct protocol protocol_http = { .compose = compose, .consume = consume, .end = end };
