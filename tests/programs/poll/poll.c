/* SPDX-License-Identifier: MIT */
/* poll: time-outs, zero, negative descriptors, bad ones, hang-up, several kinds at once. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "net.h"

static void say_events(const struct pollfd *fds, int count)
{
    for (int i = 0; i < count; i++)
        say("  %d: %x\n", i, (unsigned)fds[i].revents);
}

static void *routine(void *argument)
{
    int pipes[2], ends[2];
    volatile nfds_t too_many = 1u << 30;
    must_sys(pipe(pipes));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    struct pollfd fds[] = {
        {.fd = pipes[0], .events = POLLIN},
        {.fd = ends[0], .events = POLLIN},
        {.fd = -1, .events = POLLIN, .revents = 77},
    };
    int64_t begin = now_ns();
    show_sys(poll(fds, 3, 50));
    say("%s\n", elapsed_word(begin, 50));
    say_events(fds, 3);
    show_sys(poll(fds, 3, 0));
    begin = now_ns();
    show_sys(poll(NULL, 0, 30));
    say("%s\n", elapsed_word(begin, 30));
    fds[1].events = POLLIN | POLLOUT;
    show_sys(poll(fds, 3, -1));
    say_events(fds, 3);
    must_sys(write(pipes[1], "x", 1));
    close(ends[1]);
    fds[2].fd = 19999;
    show_sys(poll(fds, 3, -1));
    say_events(fds, 3);
    close(pipes[1]);
    fds[0].events = 0;
    show_sys(poll(fds, 1, -1));
    say_events(fds, 1);
    show_sys(poll(bad_pointer, 1, 0));
    show_sys(poll(fds, too_many, 0));
    show_sys(ppoll(fds, 1, &(struct timespec){0, SECOND}, NULL));
    close(pipes[0]);
    close(ends[0]);
    return argument;
}

static void *mixed(void *argument)
{
    int pipes[2];
    struct itimerspec in_a_while = {.it_value = {0, 40 * MILLISECOND}};
    must_sys(pipe(pipes));
    int event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0), socket = listener(1);
    struct pollfd fds[] = {{.fd = pipes[0], .events = POLLIN},
                           {.fd = event, .events = POLLIN},
                           {.fd = timer, .events = POLLIN},
                           {.fd = socket, .events = POLLIN}};
    uint64_t count;
    must_sys(timerfd_settime(timer, 0, &in_a_while, NULL));
    show_sys(poll(fds, 4, -1));
    say_events(fds, 4);
    show_sys(read(timer, &count, sizeof count));
    must_sys(eventfd_write(event, 5));
    show_sys(poll(fds, 4, -1));
    say_events(fds, 4);
    show_sys(read(event, &count, sizeof count));
    say("count %d\n", (int)count);
    int client = connected_to(socket);
    show_sys(poll(fds, 4, -1));
    say_events(fds, 4);
    for (int i = 0; i < 4; i++)
        close(fds[i].fd);
    close(client);
    close(pipes[1]);
    return argument;
}

int main(void)
{
    routine(NULL);
    join(start(routine, NULL));
    join(start(mixed, NULL));
    return finished();
}
