/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* The length of the head with its empty line, or 0 when it is not complete. */
static size_t head_length(const struct request_reader *reader)
{
    const char *end = memmem(reader->bytes, reader->held, "\r\n\r\n", 4);

    return end ? (size_t)(end - reader->bytes) + 4 : 0;
}

static enum request_state fill(struct request_reader *reader)
{
    ssize_t got;

    if (reader->held == sizeof reader->bytes)
        return REQUEST_BAD;
    do
        got = recv(reader->socket, reader->bytes + reader->held,
                   sizeof reader->bytes - reader->held, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return REQUEST_END;
    reader->held += (size_t)got;
    return REQUEST_READY;
}

static void take_header(struct request *request, const char *line)
{
    if (strncasecmp(line, "Connection:", 11) == 0) {
        if (strcasestr(line + 11, "close"))
            request->keep_alive = false;
        else if (strcasestr(line + 11, "keep-alive"))
            request->keep_alive = true;
    } else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
        request->has_body = true;
    } else if (strncasecmp(line, "Content-Length:", 15) == 0) {
        request->has_body = request->has_body || strspn(line + 15, " \t0") != strlen(line + 15);
    }
}

/* `head` ends with a zero in place of its last line feed, and is cut into lines. */
static enum request_state parse(struct request *request, char *head)
{
    char *rest;
    char *line = strtok_r(head, "\r\n", &rest);
    int minor;

    memset(request, 0, sizeof *request);
    if (!line ||
        sscanf(line, "%15s %1023s HTTP/1.%d", request->method, request->target, &minor) != 3)
        return REQUEST_BAD;
    request->keep_alive = minor >= 1;
    while ((line = strtok_r(NULL, "\r\n", &rest)))
        take_header(request, line);
    return REQUEST_READY;
}

enum request_state request_read(struct request_reader *reader, struct request *request)
{
    enum request_state state;
    size_t length;

    while (!(length = head_length(reader))) {
        state = fill(reader);
        if (state != REQUEST_READY)
            return state;
    }
    reader->bytes[length - 1] = '\0';
    state = parse(request, reader->bytes);
    /* What follows is the start of the next request of a client that does not wait for answers. */
    reader->held -= length;
    memmove(reader->bytes, reader->bytes + length, reader->held);
    return state;
}
