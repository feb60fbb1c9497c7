/* SPDX-License-Identifier: MIT */
/* A small server as such programs are: an acceptor, a queue with a condition variable, workers
 * with time-outs, a ticker, statistics under a mutex, clients that connect one after another. */
#include <poll.h>

#include "net.h"

enum { WORKERS = 16, CLIENTS = 40, REQUESTS = 10, SLOTS = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[SLOTS], first, used, served, ticks, listening;
static bool stop;

static void *accepts(void *argument)
{
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd < 0)
            return argument;
        pthread_mutex_lock(&lock);
        while (used == SLOTS)
            pthread_cond_wait(&not_full, &lock);
        queue[(first + used++) % SLOTS] = fd;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&lock);
    }
}

static int next_connection(void)
{
    int fd = -1;
    pthread_mutex_lock(&lock);
    while (used == 0 && !stop)
        pthread_cond_wait(&not_empty, &lock);
    if (used > 0) {
        fd = queue[first];
        first = (first + 1) % SLOTS;
        used--;
        pthread_cond_signal(&not_full);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static void *works(void *argument)
{
    char request[64];
    for (int fd; (fd = next_connection()) >= 0; close(fd)) {
        set_timeout(fd, SO_RCVTIMEO, 10000);
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        while (poll(&waits, 1, 10000) == 1 && recv(fd, request, 8, MSG_WAITALL) == 8) {
            char *answer = malloc(4096);
            memset(answer, request[0], 4096);
            expect(send(fd, answer, 4096, MSG_NOSIGNAL) == 4096);
            free(answer);
            pthread_mutex_lock(&lock);
            served++;
            pthread_mutex_unlock(&lock);
        }
    }
    return argument;
}

static void *ticks_away(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        usleep(1000);
        ticks++;
    }
    return argument;
}

static void *asks(void *argument)
{
    char answer[4096], request[8];
    memset(request, 'a' + index_of(argument) % 26, sizeof request);
    int fd = connected_to(listening);
    for (int i = 0; i < REQUESTS; i++) {
        must_sys(send(fd, request, 3, 0));
        must_sys(send(fd, request + 3, 5, 0));
        expect(recv(fd, answer, sizeof answer, MSG_WAITALL) == sizeof answer);
        expect(answer[0] == request[0] && answer[4095] == request[0]);
    }
    close(fd);
    return NULL;
}

int main(void)
{
    pthread_t workers[WORKERS], clients[CLIENTS];
    listening = listener(CLIENTS);
    pthread_t acceptor = start(accepts, NULL), ticker = start(ticks_away, NULL);
    start_many(workers, WORKERS, works);
    for (int round = 0; round < 3; round++) {
        start_many(clients, CLIENTS, asks);
        join_many(clients, CLIENTS);
    }
    shutdown(listening, SHUT_RDWR);
    join(acceptor);
    pthread_mutex_lock(&lock);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&not_empty);
    pthread_mutex_unlock(&lock);
    join_many(workers, WORKERS);
    join(ticker);
    say("served %d, ticked %d\n", served, ticks > 0);
    return finished();
}
