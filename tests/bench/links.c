/* SPDX-License-Identifier: MIT */
#include "links.h"

#include "dial.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BILLION UINT64_C(1000000000)

struct links links;

static const struct protocol *stages[3];
static unsigned stage_count;
static int events;
static uint64_t moved; /* when something was asked or heard last */
static unsigned char scratch[LARGEST_MESSAGE + 1];

static void watch(struct link *link, int operation, bool for_room)
{
    struct epoll_event event = {
        .events = EPOLLIN | (for_room ? EPOLLOUT : 0),
        .data.ptr = link,
    };

    if (epoll_ctl(events, operation, link->socket, &event) < 0)
        err(1, "epoll_ctl");
    link->awaits_room = for_room;
}

static void hang_up(struct link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    link->socket = -1;
}

static void fail(struct link *link, const char *why)
{
    links.report.errors++;
    if (!links.report.first_error)
        links.report.first_error = why;
    hang_up(link);
    free(link->talk.held);
    link->talk.held = NULL;
    link->failed = true;
    links.busy--;
}

static void open_link(struct link *link)
{
    int socket = dial_start(link->talk.index, options.port);

    if (socket < 0) {
        fail(link, strerror(-socket));
        return;
    }
    link->socket = socket;
    link->stage = 0;
    link->sent = 0;
    link->talk.received = 0;
    watch(link, EPOLL_CTL_ADD, true);
}

/* Sends the request, or what is left of it. */
static void ask(struct link *link)
{
    size_t length = stages[link->stage]->compose(&link->talk, scratch);
    ssize_t sent = send(link->socket, scratch + link->sent, length - link->sent, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN) {
        fail(link, strerror(errno));
        return;
    }
    link->sent += sent > 0 ? (size_t)sent : 0;
    if (link->awaits_room != (link->sent < length))
        watch(link, EPOLL_CTL_MOD, link->sent < length);
}

void link_begin(struct link *link, uint64_t when)
{
    link->asked_at = when;
    if (moved < when)
        moved = when;
    link->sent = 0;
    link->talk.received = 0;
    if (link->socket < 0)
        open_link(link);
    else
        ask(link);
}

void link_begin_due(struct link *link)
{
    uint64_t when = link->due;

    link->due += links.interval;
    link_begin(link, when);
}

static bool asks_again(struct link *link, uint64_t now)
{
    if (links.interval)
        return link->due <= now && link->due < links.ask_until;
    return link->quota > 1 && (links.ask_until == 0 || now < links.ask_until);
}

/* An answer to a request proper has come. */
static void answered(struct link *link)
{
    uint64_t now = latency_now();

    if (links.counting) {
        links.report.requests++;
        latency_add(&links.report.latency, now - link->asked_at);
    }
    link->talk.sequence++;
    if (!asks_again(link, now)) {
        link->quota = 0; /* at rest */
        links.busy--;
    } else if (links.interval) {
        link_begin_due(link);
    } else {
        link->quota--;
        link_begin(link, now);
    }
}

static void judge(struct link *link, enum verdict verdict)
{
    switch (verdict) {
    case ANSWER_PARTIAL:
        break;
    case ANSWER_WRONG:
        fail(link, "wrong answer");
        break;
    case ANSWER_COMPLETE:
        if (link->stage + 1 == stage_count) {
            answered(link);
        } else {
            link->stage++;
            link->sent = 0;
            link->talk.received = 0;
            ask(link);
        }
        break;
    case ANSWER_FINAL:
        hang_up(link);
        answered(link);
        break;
    }
}

static void hear(struct link *link)
{
    const struct protocol *stage = stages[link->stage];
    ssize_t got = recv(link->socket, scratch, sizeof scratch, 0);

    if (got > 0)
        judge(link, stage->consume(&link->talk, scratch, (size_t)got));
    else if (got < 0 && errno != EAGAIN)
        fail(link, strerror(errno));
    else if (got == 0 && stage->end)
        judge(link, stage->end(&link->talk));
    else if (got == 0)
        fail(link, "closed by the server");
}

/* A link that rests may be closed by the server, which is its right between two HTTP answers: the
 * next request opens it again. It has broken an echo, though. */
static void hear_at_rest(struct link *link)
{
    if (stages[link->stage]->end && recv(link->socket, scratch, 1, 0) <= 0) {
        hang_up(link);
    } else {
        links.busy++;
        fail(link, "unexpected bytes, or closed while at rest");
    }
}

static void handle(struct link *link, uint32_t ready)
{
    if (link->socket < 0)
        return; /* failed earlier in the same batch */
    if (link->quota == 0) {
        hear_at_rest(link);
        return;
    }
    if (link->awaits_room && (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int outcome = dial_outcome(link->socket);

        if (outcome < 0) {
            fail(link, strerror(-outcome));
            return;
        }
        ask(link);
    }
    if (link->socket >= 0 && (ready & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        hear(link);
}

static void give_up(void)
{
    for (unsigned i = 0; i < options.connections && links.busy > 0; i++)
        if (links.all[i].quota > 0 && !links.all[i].failed)
            fail(&links.all[i], "no answer in time");
}

static int wait_until(uint64_t end, struct epoll_event *ready, int most)
{
    uint64_t now = latency_now();
    uint64_t left = end > now ? end - now : 0;
    struct timespec time = { .tv_sec = (time_t)(left / BILLION), .tv_nsec = (long)(left % BILLION) };

    return epoll_pwait2(events, ready, most, &time, NULL);
}

bool links_pump(uint64_t until)
{
    struct epoll_event ready[256];
    uint64_t give_up_at = moved + options.patience * BILLION;
    uint64_t end = links.busy > 0 ? give_up_at : UINT64_MAX;
    int count = wait_until(until && until < end ? until : end, ready, 256);

    if (count < 0 && errno != EINTR)
        err(1, "epoll_pwait2");
    for (int i = 0; i < count; i++)
        handle(ready[i].data.ptr, ready[i].events);
    if (count > 0)
        moved = latency_now();
    if (count != 0 || links.busy == 0 || latency_now() < give_up_at)
        return true;
    give_up();
    return false;
}

static void choose_stages(void)
{
    if (options.socks_port) {
        stages[stage_count++] = &protocol_socks_greeting;
        stages[stage_count++] = &protocol_socks_request;
    }
    stages[stage_count++] = options.path_count ? &protocol_http : &protocol_echo;
}

void links_init(void)
{
    dial_prepare(options.connections);
    choose_stages();
    links.all = calloc(options.connections, sizeof *links.all);
    events = epoll_create1(EPOLL_CLOEXEC);
    if (!links.all || events < 0)
        err(1, "set-up");
    for (unsigned i = 0; i < options.connections; i++) {
        links.all[i].socket = -1;
        links.all[i].talk.index = i;
        links.all[i].talk.hash = HASH_START;
    }
}

void links_finish(void)
{
    for (unsigned i = 0; i < options.connections; i++) {
        hang_up(&links.all[i]);
        free(links.all[i].talk.held);
    }
    free(links.all);
    close(events);
}
