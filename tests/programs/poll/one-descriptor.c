/* SPDX-License-Identifier: MIT */
/* A single descriptor becomes ready while poll or select waits for it, after a call that found nothing: what they say then, for
 * each kind of event and several ways to ask. */
#include <errno.h>
#include <poll.h>
#include <sys/select.h>

#include "net.h"

static int ends[2], turn[2];

static void *acts(void *argument)
{
    char what, sink[65536];
    while (read(turn[0], &what, 1) == 1) {
        settle();
        switch (what) {
        case 'd':
            must_sys(send(ends[0], "data", 4, 0));
            break;
        case 'u':
            must_sys(send(ends[0], "u", 1, MSG_OOB));
            break;
        case 't': /* takes what blocks the writer */
            while (recv(ends[0], sink, sizeof sink, MSG_DONTWAIT) > 0)
                continue;
            break;
        case 'h':
            must_sys(shutdown(ends[0], SHUT_WR));
            break;
        case 'r': {
            struct linger at_once = {1, 0};
            must_sys(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
            close(ends[0]);
        }
        }
    }
    return argument;
}

static void ask(const char *action, short events)
{
    struct pollfd waits = {.fd = ends[1], .events = events, .revents = -1};
    char sink[16];
    if (recv(ends[1], sink, sizeof sink, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
        say("something was there\n");
    must_sys(write(turn[1], action, 1));
    int result = poll(&waits, 1, 5000);
    say("%s, %x: %d, %x\n", action, (unsigned)events, result, (unsigned)waits.revents);
    if (*action == 'd')
        say("%zd bytes\n", recv(ends[1], sink, sizeof sink, MSG_DONTWAIT));
}

/* Each set that is not asked for is none, or has nothing in it. */
static void ask_select(const char *action, bool reads, bool writes, bool exceptions)
{
    char sink[16];
    fd_set sets[3];
    bool wanted[] = {reads, writes, exceptions};
    struct timeval limit = {5, 0};
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets[i]);
        if (wanted[i])
            FD_SET(ends[1], &sets[i]);
    }
    if (recv(ends[1], sink, sizeof sink, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
        say("something was there\n");
    must_sys(write(turn[1], action, 1));
    int result = select(ends[1] + 1, &sets[0], &sets[1], exceptions ? &sets[2] : NULL, &limit);
    say("select, %s: %d, %d %d %d\n", action, result, !!FD_ISSET(ends[1], &sets[0]),
        !!FD_ISSET(ends[1], &sets[1]), !!FD_ISSET(ends[1], &sets[2]));
    if (*action == 'd')
        say("%zd bytes\n", recv(ends[1], sink, sizeof sink, MSG_DONTWAIT));
}

static void *waits_for_it(void *argument)
{
    char sink[16];
    ask("d", POLLIN);
    ask("d", POLLIN | POLLRDHUP | POLLPRI);
    ask("d", POLLRDNORM);
    ask("d", POLLIN | POLLRDNORM | POLLRDBAND);
    ask("u", POLLPRI);
    must_sys(recv(ends[1], sink, 1, MSG_OOB));
    ask("d", POLLIN | POLLERR | POLLHUP);
    /* Until there is no room: what poll is to wait for then is room. */
    static const char block[65536];
    while (send(ends[1], block, sizeof block, MSG_DONTWAIT) > 0)
        continue;
    ask("t", POLLOUT);
    while (send(ends[1], block, sizeof block, MSG_DONTWAIT) > 0)
        continue;
    ask("t", POLLOUT | POLLWRNORM);
    ask_select("d", true, false, false);
    ask_select("d", true, false, true);
    ask_select("u", false, false, true);
    must_sys(recv(ends[1], sink, 1, MSG_OOB));
    while (send(ends[1], block, sizeof block, MSG_DONTWAIT) > 0)
        continue;
    ask_select("t", true, true, false);
    ask("h", POLLRDHUP);
    show_sys(recv(ends[1], sink, sizeof sink, MSG_DONTWAIT));
    return argument;
}

static void *waits_for_reset(void *argument)
{
    ask("d", POLLIN);
    ask("r", 0);
    return argument;
}

static void *selects_for_reset(void *argument)
{
    ask_select("r", true, false, false);
    return argument;
}

static void play(void *(*routine)(void *))
{
    tcp_pair(ends);
    must_sys(pipe(turn));
    pthread_t other = start(acts, NULL);
    join(start(routine, NULL));
    close(turn[1]);
    join(other);
    close(turn[0]);
    close(ends[1]);
}

int main(void)
{
    play(waits_for_it);
    close(ends[0]);
    play(waits_for_reset);
    play(selects_for_reset);
    return finished();
}
