/* SPDX-License-Identifier: MIT */
/* Half-close, end of file, EPIPE with SIGPIPE exactly once, MSG_NOSIGNAL, and a reset
 * connection. */
#include <poll.h>
#include <signal.h>

#include "net.h"

static volatile sig_atomic_t pipe_signals;
static pthread_t expected_thread;

static void on_pipe(int number)
{
    (void)number;
    pipe_signals++;
    if (!pthread_equal(pthread_self(), expected_thread))
        pipe_signals += 1000;
}

static void half_close(void)
{
    int ends[2];
    char text[8];
    tcp_pair(ends);
    show_sys(shutdown(ends[0], SHUT_WR));
    show_sys(recv(ends[1], text, sizeof text, 0));
    show_sys(send(ends[1], "still", 5, 0));
    show_sys(recv(ends[0], text, sizeof text, 0));
    show_sys(send(ends[0], "x", 1, 0));
    say("signals %d\n", pipe_signals);
    show_sys(send(ends[0], "x", 1, MSG_NOSIGNAL));
    say("signals %d\n", pipe_signals);
    show_sys(shutdown(ends[1], SHUT_RDWR));
    show_sys(shutdown(ends[0], 77));
    close(ends[0]);
    close(ends[1]);
    show_sys(shutdown(ends[0], SHUT_RD));
}

static void closed_peer(void)
{
    int ends[2];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    close(ends[1]);
    show_sys(write(ends[0], "x", 1));
    say("signals %d\n", pipe_signals);
    show_sys(send(ends[0], "x", 1, MSG_NOSIGNAL));
    say("signals %d\n", pipe_signals);
    close(ends[0]);
}

static void reset(void)
{
    int ends[2];
    char text[8];
    struct linger at_once = {1, 0};
    tcp_pair(ends);
    must_sys(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    close(ends[1]);
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    must_sys(poll(&waits, 1, -1));
    say("revents %x\n", (unsigned)waits.revents);
    show_sys(recv(ends[0], text, sizeof text, 0));
    show_sys(recv(ends[0], text, sizeof text, 0));
    show_sys(send(ends[0], text, sizeof text, 0));
    say("signals %d\n", pipe_signals);
    close(ends[0]);
}

static void *routine(void *argument)
{
    expected_thread = pthread_self();
    half_close();
    closed_peer();
    reset();
    return argument;
}

int main(void)
{
    signal(SIGPIPE, on_pipe);
    join(start(routine, NULL));
    pipe_signals = 0;
    routine(NULL);
    return finished();
}
