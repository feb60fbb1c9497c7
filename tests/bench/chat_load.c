/* SPDX-License-Identifier: MIT */
/* Loads a fresh chat demo: many listeners wait for each next message, one speaker says it as soon
 * as all of them wait, and every listener must hear exactly that text. The time from saying to
 * hearing is the latency; a request is one message heard by one listener. */
#include "dial.h"
#include "protocol.h"
#include "report.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct options options; /* connections: listeners; requests: messages heard, over all of them */

enum { LINE = 512 };

struct person {
    unsigned index;
    int socket;  /* -1: failed */
    bool waits;  /* for the answer to the last line */
    size_t held; /* bytes of the answer that have come and were right */
    uint64_t hash;
};

static struct person *people;  /* the listeners, then the speaker */
static struct person *speaker;
static struct report report;
static int events;
static unsigned owed;    /* answers that must still come */
static uint64_t said_at; /* 0: nothing to be counted has been said */

static void fail(struct person *person, const char *why)
{
    report.errors++;
    if (!report.first_error)
        report.first_error = why;
    owed -= person->waits;
    person->waits = false;
    close(person->socket);
    person->socket = -1;
}

static void write_line(struct person *person, const char *line)
{
    size_t length = strlen(line);

    if (person->socket < 0)
        return;
    person->held = 0;
    person->waits = true;
    owed++;
    if (send(person->socket, line, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail(person, "a line could not be sent");
}

static void hear(struct person *person, const char *expected)
{
    char bytes[LINE];
    size_t length = strlen(expected);
    ssize_t got = recv(person->socket, bytes, sizeof bytes, 0);

    if (got <= 0) {
        fail(person, got == 0 ? "closed by the server" : strerror(errno));
        return;
    }
    if (!person->waits || (size_t)got > length - person->held ||
        memcmp(bytes, expected + person->held, (size_t)got) != 0) {
        fail(person, "wrong answer");
        return;
    }
    person->held += (size_t)got;
    if (person->held < length)
        return;
    person->hash = hash_add(person->hash, expected, length);
    person->waits = false;
    owed--;
    if (said_at && person != speaker) {
        report.requests++;
        latency_add(&report.latency, latency_now() - said_at);
    }
}

static void give_up(void)
{
    for (unsigned i = 0; i <= options.connections; i++)
        if (people[i].waits)
            fail(&people[i], "no answer in time");
}

/* Handles one batch of answers: listeners must hear `expected`, the speaker `acknowledged`. False
 * when the server fell silent. */
static bool pump(const char *expected, const char *acknowledged)
{
    struct epoll_event ready[256];
    int count = epoll_wait(events, ready, 256, (int)options.patience * 1000);

    for (int i = 0; i < count; i++) {
        struct person *person = ready[i].data.ptr;

        hear(person, person == speaker ? acknowledged : expected);
    }
    if (count == 0)
        give_up();
    return count != 0;
}

static void open_person(struct person *person)
{
    struct pollfd made = { .events = POLLOUT };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = person };
    int outcome;

    made.fd = dial_start(person->index, options.port);
    person->socket = made.fd;
    outcome = made.fd;
    if (made.fd >= 0)
        outcome = poll(&made, 1, (int)options.patience * 1000) == 1 ? dial_outcome(made.fd)
                                                                    : -ETIMEDOUT;
    if (outcome >= 0 && epoll_ctl(events, EPOLL_CTL_ADD, person->socket, &event) < 0)
        outcome = -errno;
    if (outcome < 0)
        fail(person, strerror(-outcome));
}

/* Each one asks, with a timeout, for a message that nobody will say in that time. */
static void open_everyone(void)
{
    static const char nothing[] = "NONE 0\n";

    for (unsigned i = 0; i <= options.connections; i++) {
        open_person(&people[i]);
        write_line(&people[i], "WAIT 0 1\n");
        while (owed >= options.window && pump(nothing, nothing))
            continue;
    }
    while (owed > 0 && pump(nothing, nothing))
        continue;
}

static unsigned count_listeners(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < options.connections; i++)
        count += people[i].socket >= 0;
    return count;
}

/* The speaker's exchange; true when it was answered. */
static bool speak(const char *line, const char *acknowledged, const char *expected)
{
    write_line(speaker, line);
    while (speaker->waits && pump(expected, acknowledged))
        continue;
    return speaker->socket >= 0;
}

static bool play_round(uint64_t number)
{
    char line[LINE], expected[LINE], acknowledged[LINE];
    unsigned listeners = count_listeners();

    snprintf(line, LINE, "WAIT %" PRIu64 "\n", number - 1);
    for (unsigned i = 0; i < options.connections; i++)
        write_line(&people[i], line);

    snprintf(line, LINE, "GATHER %u\n", listeners);
    snprintf(acknowledged, LINE, "GATHERED %u\n", listeners);
    if (!speak(line, acknowledged, "")) /* whoever hears something now hears it too early */
        return false;

    snprintf(line, LINE, "SAY round %" PRIu64 " of %u listeners\n", number, listeners);
    snprintf(acknowledged, LINE, "SAID %" PRIu64 "\n", number);
    snprintf(expected, LINE, "MESSAGE %" PRIu64 " round %" PRIu64 " of %u listeners\n", number,
             number, listeners);
    said_at = latency_now();
    if (!speak(line, acknowledged, expected))
        return false;
    while (owed > 0 && pump(expected, acknowledged))
        continue;
    return count_listeners() > 0;
}

static void play(void)
{
    uint64_t start = latency_now();
    uint64_t rounds = (options.requests + options.connections - 1) / options.connections;

    for (uint64_t number = 1; options.seconds > 0 || number <= rounds; number++) {
        if (options.seconds > 0 && (double)(latency_now() - start) >= options.seconds * 1e9)
            break;
        if (!play_round(number))
            break;
    }
    report.seconds = (double)(latency_now() - start) / 1e9;
}

static void set_up(void)
{
    dial_prepare(options.connections + 1);
    people = calloc(options.connections + 1, sizeof *people);
    events = epoll_create1(EPOLL_CLOEXEC);
    if (!people || events < 0)
        err(1, "set-up");
    speaker = &people[options.connections];
    for (unsigned i = 0; i <= options.connections; i++)
        people[i] = (struct person){ .index = i, .socket = -1, .hash = HASH_START };
}

int main(int count, char **arguments)
{
    options_parse(&options, count, arguments);
    set_up();
    open_everyone();
    report.connections = count_listeners();
    if (options.stepped)
        report_step("open");
    if (speaker->socket >= 0 && report.connections > 0)
        play();
    if (options.stepped)
        report_step("loaded");
    for (unsigned i = 0; i <= options.connections; i++)
        report.answers_hash += hash_spread(people[i].hash + i);
    report_print(&report);
    free(people);
    return report.errors > 0;
}
