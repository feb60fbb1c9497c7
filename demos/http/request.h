/* SPDX-License-Identifier: MIT */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { REQUEST_HEAD = 8192 };

struct request_reader {
    int socket;
    size_t held;
    char bytes[REQUEST_HEAD];
};

struct request {
    char method[16];
    char target[1024];
    bool keep_alive;
    bool has_body;
};

enum request_state {
    REQUEST_READY,
    REQUEST_END, /* the peer closed */
    REQUEST_BAD, /* not HTTP/1.x, or a head that is too long */
};

enum request_state request_read(struct request_reader *reader, struct request *request);

#endif
