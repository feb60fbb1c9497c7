/* SPDX-License-Identifier: MIT */
/* Waits of every kind in one request: a name is resolved, a connection made, the answer of the
 * upstream polled for and received; the journal adds a mutex and a file. */
#include "answer.h"

#include "transfer.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, REPLY = 4096 };

static int connect_to(const struct upstream *upstream)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int link = -1;

    if (getaddrinfo(upstream->host, upstream->port, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *each = found; each && link < 0; each = each->ai_next) {
        link = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
        if (link >= 0 && connect(link, each->ai_addr, each->ai_addrlen) < 0) {
            close(link);
            link = -1;
        }
    }
    freeaddrinfo(found);
    return link;
}

static bool ask(int link, const char *target)
{
    return transfer_all(link, target, strlen(target)) && transfer_all(link, "\n", 1);
}

/* Receives until the upstream closes. Returns 200 or the status of the failure. */
static int receive_reply(int link, char reply[REPLY], size_t *length)
{
    struct pollfd wait = { .fd = link, .events = POLLIN };

    *length = 0;
    while (*length < REPLY) {
        int ready = poll(&wait, 1, PATIENCE_MS);
        ssize_t got;

        if (ready == 0)
            return 504;
        if (ready < 0 && errno != EINTR)
            return 502;
        if (ready < 0)
            continue;
        got = recv(link, reply + *length, REPLY - *length, 0);
        if (got < 0)
            return 502;
        if (got == 0)
            return *length ? 200 : 502;
        *length += (size_t)got;
    }
    return 502;
}

bool answer_slow(int socket, const struct request *request, const struct upstream *upstream)
{
    char reply[REPLY];
    size_t length;
    int status = 502;
    int link = connect_to(upstream);

    if (link >= 0) {
        if (ask(link, request->target))
            status = receive_reply(link, reply, &length);
        close(link);
    }
    if (status != 200)
        return answer_error(socket, request, status);
    return answer_text(socket, request, 200, reply, length);
}
