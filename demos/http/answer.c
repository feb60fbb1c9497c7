/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "journal.h"
#include "transfer.h"

#include <stdio.h>
#include <string.h>

static const char *reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 502: return "Bad Gateway";
    case 504: return "Gateway Timeout";
    default: return "Internal Server Error";
    }
}

/* No date: the same request has the same answer, byte for byte, on every run. */
bool answer_text(int socket, const struct request *request, int status, const char *text,
                 size_t length)
{
    char head[256];
    int head_length = snprintf(head, sizeof head,
                               "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n",
                               status, reason(status), length,
                               request->keep_alive ? "keep-alive" : "close");

    if (!transfer_all(socket, head, (size_t)head_length))
        return false;
    if (strcmp(request->method, "HEAD") != 0 && !transfer_all(socket, text, length))
        return false;
    journal_write(request->target, status, length);
    return request->keep_alive;
}

bool answer_error(int socket, const struct request *request, int status)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%d %s\n", status, reason(status));

    return answer_text(socket, request, status, text, (size_t)length);
}
