/* SPDX-License-Identifier: MIT */
/* A TCP echo server as textbooks have it: one detached thread for each connection, which reads and
 * writes until the peer closes. It knows nothing of unthread. */
#include "crew.h"
#include "listener.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

static bool write_all(int socket, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(socket, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static void echo(int socket)
{
    char buffer[4096];

    for (;;) {
        ssize_t got = read(socket, buffer, sizeof buffer);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || !write_all(socket, buffer, (size_t)got))
            return;
    }
}

int main(int count, char **arguments)
{
    static const struct crew_duty duty = { .serve = echo };

    if (count != 2)
        errx(2, "usage: echo PORT");
    crew_serve(listener_open(arguments[1]), &duty);
    return 0;
}
