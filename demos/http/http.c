/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 server with one thread for each connection, joined when it ends: files of a
 * directory, and /slow..., which asks an upstream. It knows nothing of unthread. */
#include "answer.h"
#include "crew.h"
#include "journal.h"
#include "listener.h"

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int directory;
static struct upstream upstream;

static bool answer(int socket, const struct request *request)
{
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return answer_error(socket, request, 405);
    if (strncmp(request->target, "/slow", 5) == 0)
        return answer_slow(socket, request, &upstream);
    return answer_file(socket, request, directory);
}

static void converse(int socket)
{
    struct request_reader reader = { .socket = socket };
    struct request request;

    for (;;) {
        enum request_state state = request_read(&reader, &request);

        /* A body is never read, so what follows it could not be told from the next request. */
        if (state == REQUEST_READY && request.has_body)
            request.keep_alive = false;
        if (state == REQUEST_BAD) {
            request = (struct request){ .target = "?" };
            answer_error(socket, &request, 400);
        }
        if (state != REQUEST_READY || !answer(socket, &request))
            return;
    }
}

int main(int count, char **arguments)
{
    static const struct crew_duty duty = { .serve = converse, .joined = true };
    int listener;

    if (count != 5 && count != 6)
        errx(2, "usage: http PORT DIRECTORY UPSTREAM_HOST UPSTREAM_PORT [JOURNAL]");
    directory = open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        err(1, "%s", arguments[2]);
    upstream = (struct upstream){ .host = arguments[3], .port = arguments[4] };
    journal_open(arguments[5]);
    listener = listener_open(arguments[1]);
    crew_serve(listener, &duty);
    journal_close();
    close(directory);
    return 0;
}
