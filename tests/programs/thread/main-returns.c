/* SPDX-License-Identifier: MIT */
/* main returns while fifty threads block in different calls: atexit, flush, and main's status. */
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "check.h"

enum { THREADS = 50 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static pthread_barrier_t started;
static int sockets[2];

static void *blocks(void *argument)
{
    char byte;
    pthread_barrier_wait(&started);
    switch (index_of(argument) % 6) {
    case 0:
        read(sockets[0], &byte, 1);
        break;
    case 1:
        pthread_mutex_lock(&lock);
        for (;;)
            pthread_cond_wait(&never, &lock);
    case 2:
        sem_wait(&semaphore);
        break;
    case 3:
        sleep(1000);
        break;
    case 4:
        poll(NULL, 0, -1);
        break;
    default:
        for (;;)
            pause();
    }
    say("a thread came back\n");
    return NULL;
}

static void at_exit(void)
{
    printf("atexit\n");
}

int main(void)
{
    pthread_t threads[THREADS];
    atexit(at_exit);
    sem_init(&semaphore, 0, 0);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    must(pthread_barrier_init(&started, NULL, THREADS + 1));
    start_many(threads, THREADS, blocks);
    pthread_barrier_wait(&started);
    settle();
    printf("unflushed line of main\n");
    return 7;
}
