/* SPDX-License-Identifier: MIT */
/* Thirty threads accept on one listener, in the main thread too; each connection goes to one. */
#include "net.h"

enum { ACCEPTORS = 30, CLIENTS = 300 };

static int listening, accepted;

static void *accepts(void *argument)
{
    char byte;
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = (int)must_sys(accept(listening, (struct sockaddr *)&peer, &length));
        expect(peer.sin_family == AF_INET && length == sizeof peer);
        must_sys(recv(fd, &byte, 1, 0));
        must_sys(send(fd, &byte, 1, 0));
        close(fd);
        if (byte == 'q')
            return argument;
        __atomic_fetch_add(&accepted, 1, __ATOMIC_RELAXED);
    }
}

static void ask(char question)
{
    int fd = connected_to(listening);
    char answer;
    must_sys(send(fd, &question, 1, 0));
    expect(recv(fd, &answer, 1, 0) == 1 && answer == question);
    close(fd);
}

static void *asks(void *argument)
{
    for (int i = 0; i < CLIENTS / 10; i++)
        ask('a');
    return argument;
}

int main(void)
{
    pthread_t acceptors[ACCEPTORS], clients[10];
    listening = listener(128);
    start_many(acceptors, ACCEPTORS, accepts);
    start_many(clients, 10, asks);
    join_many(clients, 10);
    for (int i = 0; i < ACCEPTORS; i++)
        ask('q');
    join_many(acceptors, ACCEPTORS);
    say("accepted %d\n", accepted);
    return finished();
}
