/* SPDX-License-Identifier: MIT */
/* A chat server for long polls: one thread for each connection, and every thread that listens waits
 * on one condition variable until somebody says something. It knows nothing of unthread.
 *
 *   SAY text           SAID number              wakes all who wait
 *   WAIT after         MESSAGE number text      waits for message after + 1
 *   WAIT after ms      NONE after               when nothing was said in that time
 *   GATHER count       GATHERED count           waits until count threads wait
 */
#include "crew.h"
#include "listener.h"
#include "room.h"
#include "transfer.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LINE = 512 };

struct reader {
    int socket;
    size_t held;
    char bytes[LINE];
};

/* Takes one line without its end; false when the peer closed, or sent a line that is too long. */
static bool read_line(struct reader *reader, char line[LINE])
{
    for (;;) {
        char *end = memchr(reader->bytes, '\n', reader->held);
        ssize_t got;

        if (end) {
            size_t length = (size_t)(end - reader->bytes);

            memcpy(line, reader->bytes, length);
            line[length] = '\0';
            reader->held -= length + 1;
            memmove(reader->bytes, end + 1, reader->held);
            return true;
        }
        if (reader->held == sizeof reader->bytes)
            return false;
        got = recv(reader->socket, reader->bytes + reader->held,
                   sizeof reader->bytes - reader->held, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        reader->held += (size_t)got;
    }
}

static bool answer_wait(const char *line, char answer[LINE])
{
    char text[ROOM_TEXT];
    uint64_t after;
    long milliseconds = -1;

    if (sscanf(line, "WAIT %" SCNu64 " %ld", &after, &milliseconds) < 1)
        return false;
    switch (room_wait(after, milliseconds, text)) {
    case ROOM_MESSAGE:
        snprintf(answer, LINE, "MESSAGE %" PRIu64 " %s\n", after + 1, text);
        return true;
    case ROOM_NOTHING:
        snprintf(answer, LINE, "NONE %" PRIu64 "\n", after);
        return true;
    case ROOM_LOST:
        snprintf(answer, LINE, "LOST %" PRIu64 "\n", after + 1);
        return true;
    case ROOM_CLOSED:
        break;
    }
    return false;
}

/* False ends the connection. */
static bool answer_line(const char *line, char answer[LINE])
{
    unsigned count;

    if (strncmp(line, "SAY ", 4) == 0 && strlen(line + 4) < ROOM_TEXT) {
        snprintf(answer, LINE, "SAID %" PRIu64 "\n", room_say(line + 4));
        return true;
    }
    if (sscanf(line, "GATHER %u", &count) == 1) {
        snprintf(answer, LINE, "GATHERED %u\n", count);
        return room_gather(count) != ROOM_CLOSED;
    }
    return answer_wait(line, answer);
}

static void converse(int socket)
{
    struct reader reader = { .socket = socket };
    char line[LINE];
    char answer[LINE];

    while (read_line(&reader, line)) {
        if (!answer_line(line, answer))
            return;
        if (!transfer_all(socket, answer, strlen(answer)))
            return;
    }
}

int main(int count, char **arguments)
{
    static const struct crew_duty duty = { .serve = converse, .stop = room_close };

    if (count != 2)
        errx(2, "usage: chat PORT");
    room_open();
    crew_serve(listener_open(arguments[1]), &duty);
    return 0;
}
