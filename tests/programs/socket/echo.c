/* SPDX-License-Identifier: MIT */
/* A thread for each of sixty-four connections echoes; as many client threads check every byte. */
#include "net.h"

enum { CLIENTS = 64, ROUNDS = 30 };

static int listening;

static void *serves(void *argument)
{
    int fd = index_of(argument);
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
        expect(send(fd, buffer, (size_t)n, 0) == n);
    expect(strcmp(blocking_word(fd), "blocking") == 0);
    close(fd);
    return NULL;
}

static void *accepts(void *argument)
{
    pthread_t servers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        int fd = (int)must_sys(accept(listening, NULL, NULL));
        servers[i] = start(serves, (void *)(intptr_t)fd);
    }
    join_many(servers, CLIENTS);
    return argument;
}

static void *asks(void *argument)
{
    int fd = connected_to(listening);
    char question[1000], answer[1000];
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (size_t)(1 + (i * 37 + index_of(argument) * 11) % 1000);
        memset(question, 'a' + i % 26, size);
        expect(write(fd, question, size) == (ssize_t)size);
        expect(recv(fd, answer, size, MSG_WAITALL) == (ssize_t)size);
        expect(memcmp(question, answer, size) == 0);
    }
    must_sys(shutdown(fd, SHUT_WR));
    expect(read(fd, answer, 1) == 0);
    close(fd);
    return NULL;
}

int main(void)
{
    pthread_t clients[CLIENTS];
    listening = listener(CLIENTS);
    pthread_t acceptor = start(accepts, NULL);
    start_many(clients, CLIENTS, asks);
    join_many(clients, CLIENTS);
    join(acceptor);
    return finished();
}
