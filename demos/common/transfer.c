/* SPDX-License-Identifier: MIT */
#include "transfer.h"

#include <errno.h>
#include <sys/socket.h>

bool transfer_all(int socket, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t sent = send(socket, next, length, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        next += sent;
        length -= (size_t)sent;
    }
    return true;
}
