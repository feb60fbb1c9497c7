/* SPDX-License-Identifier: MIT */
/* epoll sets: both ways to make one, their flags; one inside another, its closing and that of its members;
 * every error of epoll_ctl and of the waits. */
#include <fcntl.h>
#include <sys/epoll.h>

#include "check.h"

static int pipes[2];
static volatile int minus_one = -1;

static void add(int set, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

static void *makes(void *argument)
{
    int old = (int)must_sys(epoll_create(10)), new = (int)must_sys(epoll_create1(EPOLL_CLOEXEC));
    say("close on exec: %d %d\n", fcntl(old, F_GETFD), fcntl(new, F_GETFD));
    show_sys(epoll_create(0));
    show_sys(epoll_create(-1));
    show_sys(epoll_create1(0x40));
    close(old);
    close(new);
    return argument;
}

static void *waits(void *argument)
{
    struct epoll_event event;
    long got = must_sys(epoll_wait(index_of(argument), &event, 1, -1));
    say("%ld event, %s\n", got, event.events & EPOLLIN ? "in" : "other");
    return NULL;
}

static void nests(void)
{
    int inner = (int)must_sys(epoll_create(1)), outer = (int)must_sys(epoll_create(1));
    add(inner, pipes[0], EPOLLIN);
    add(outer, inner, EPOLLIN);
    pthread_t thread = start(waits, (void *)(intptr_t)outer);
    settle();
    must_sys(write(pipes[1], "x", 1));
    join(thread);
    /* A member that is closed leaves the set by itself. */
    struct epoll_event event;
    close(inner);
    show_sys(epoll_wait(outer, &event, 1, 0));
    char byte;
    must_sys(read(pipes[0], &byte, 1));
    close(outer);
}

static void *fails(void *argument)
{
    int set = (int)must_sys(epoll_create(1)), file = open("/etc/passwd", O_RDONLY);
    struct epoll_event event = {.events = EPOLLIN};
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, -1, &event));
    show_sys(epoll_ctl(-1, EPOLL_CTL_ADD, pipes[0], &event));
    show_sys(epoll_ctl(pipes[0], EPOLL_CTL_ADD, pipes[1], &event));
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, set, &event));
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, file, &event));
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], bad_pointer));
    show_sys(epoll_ctl(set, EPOLL_CTL_MOD, pipes[0], &event));
    show_sys(epoll_ctl(set, EPOLL_CTL_DEL, pipes[0], NULL));
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event));
    show_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event));
    show_sys(epoll_ctl(set, 9, pipes[0], &event));
    show_sys(epoll_wait(set, &event, 0, 0));
    show_sys(epoll_wait(set, &event, minus_one, 0));
    show_sys(epoll_wait(-1, &event, 1, 0));
    show_sys(epoll_wait(pipes[0], &event, 1, 0));
    struct timespec bad = {0, -1}, none = {0, 0};
    show_sys(epoll_pwait2(set, &event, 1, &bad, NULL));
    show_sys(epoll_pwait2(set, &event, 1, &none, NULL));
    must_sys(write(pipes[1], "x", 1));
    show_sys(epoll_wait(set, bad_pointer, 1, 0));
    show_sys(epoll_wait(set, &event, 1, 0));
    char byte;
    must_sys(read(pipes[0], &byte, 1));
    close(set);
    close(file);
    return argument;
}

int main(void)
{
    must_sys(pipe(pipes));
    join(start(makes, NULL));
    nests();
    join(start(fails, NULL));
    fails(NULL);
    return finished();
}
