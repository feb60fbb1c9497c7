/* SPDX-License-Identifier: MIT */
/*
 * small: a little of everything, for tools that look closely (valgrind): threads made, joined and
 * detached, socket pairs, a pipe, mutexes, conditions, timeouts, keys, thread-locals, poll.
 */
#include "stress.h"

#include <poll.h>
#include <sys/socket.h>

enum { PAIRS = 8, ROUNDS = 20 };

static int pairs[PAIRS][2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long finished, detached_finished;
static pthread_key_t key;
static __thread long mine;

static void *serve(void *index)
{
    int fd = pairs[(long)index][0];
    char text[64];
    ssize_t length;
    mine = (long)index;
    MUST(pthread_setspecific(key, malloc(32)));
    while ((length = read(fd, text, sizeof text)) > 0)
        CHECK(write(fd, text, (size_t)length) == length);
    CHECK(length == 0 && mine == (long)index);
    MUST(pthread_mutex_lock(&mutex));
    finished++;
    MUST(pthread_cond_broadcast(&cond));
    MUST(pthread_mutex_unlock(&mutex));
    return (void *)(mine + 1);
}

static void *ask(void *index)
{
    int fd = pairs[(long)index][1];
    for (int i = 0; i < ROUNDS; i++) {
        char text[32], answer[32];
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int length = snprintf(text, sizeof text, "%ld says %d", (long)index, i);
        CHECK(send(fd, text, (size_t)length, 0) == length);
        CHECK(poll(&ready, 1, -1) == 1);
        CHECK(recv(fd, answer, sizeof answer, 0) == length && !memcmp(text, answer, (size_t)length));
    }
    CHECK(shutdown(fd, SHUT_RDWR) == 0);
    return index;
}

static void *go_alone(void *unused)
{
    struct timespec nap = {.tv_nsec = 1000000};
    nanosleep(&nap, NULL);
    MUST(pthread_mutex_lock(&mutex));
    detached_finished++;
    MUST(pthread_cond_broadcast(&cond));
    MUST(pthread_mutex_unlock(&mutex));
    return unused;
}

static void await(const long *counter, long wanted)
{
    MUST(pthread_mutex_lock(&mutex));
    while (*counter < wanted)
        MUST(pthread_cond_wait(&cond, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
}

static void round_of_threads(void)
{
    pthread_t servers[PAIRS], clients[PAIRS], alone;
    finished = detached_finished = 0;
    for (long i = 0; i < PAIRS; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
        MUST(pthread_create(&servers[i], NULL, serve, (void *)i));
        MUST(pthread_create(&clients[i], NULL, ask, (void *)i));
        MUST(pthread_create(&alone, NULL, go_alone, NULL));
        MUST(pthread_detach(alone));
    }
    await(&finished, PAIRS);
    for (long i = 0; i < PAIRS; i++) {
        void *result;
        MUST(pthread_join(servers[i], &result));
        CHECK((long)result == i + 1);
        MUST(pthread_join(clients[i], NULL));
        CHECK(close(pairs[i][0]) == 0 && close(pairs[i][1]) == 0);
    }
    await(&detached_finished, PAIRS);
}

int main(void)
{
    MUST(pthread_key_create(&key, free));
    for (int i = 0; i < 3; i++)
        round_of_threads();
    printf("finished\n");
    return 0;
}
