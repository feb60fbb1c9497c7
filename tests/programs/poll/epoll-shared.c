/* SPDX-License-Identifier: MIT */
/* Worker threads wait on one epoll set with one-shot events; a thread adds to it while they
 * wait. */
#include <sys/epoll.h>

#include "net.h"

enum { WORKERS = 12, PAIRS = 40, MESSAGES = 40 };

static int set, ends[PAIRS][2], handled;

static void *works(void *argument)
{
    struct epoll_event event;
    char byte;
    for (;;) {
        expect(epoll_wait(set, &event, 1, -1) == 1);
        int i = (int)event.data.u32;
        if (i == PAIRS)
            return argument;
        must_sys(recv(ends[i][0], &byte, 1, 0));
        __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
        event.events = EPOLLIN | EPOLLONESHOT;
        must_sys(epoll_ctl(set, EPOLL_CTL_MOD, ends[i][0], &event));
        must_sys(send(ends[i][0], &byte, 1, 0));
    }
}

static void *asks(void *argument)
{
    int i = index_of(argument);
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = (uint32_t)i};
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, ends[i][0], &event));
    for (int k = 0; k < MESSAGES; k++) {
        char answer, question = (char)k;
        must_sys(send(ends[i][1], &question, 1, 0));
        expect(recv(ends[i][1], &answer, 1, 0) == 1 && answer == question);
    }
    return NULL;
}

int main(void)
{
    pthread_t workers[WORKERS], clients[PAIRS];
    int stop[2];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = PAIRS};
    set = (int)must_sys(epoll_create1(0));
    start_many(workers, WORKERS, works);
    start_many(clients, PAIRS, asks);
    join_many(clients, PAIRS);
    must_sys(pipe(stop));
    must_sys(write(stop[1], "x", 1));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, stop[0], &event));
    join_many(workers, WORKERS);
    say("handled %d\n", handled);
    return finished();
}
