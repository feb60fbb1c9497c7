/* SPDX-License-Identifier: MIT */
/* errno is a thread's own and untouched by calls that succeed, however often they block. */
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "check.h"

enum { THREADS = 30 };

static pthread_barrier_t step;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int ends[2];

#define untouched(call)                                                                            \
    do {                                                                                           \
        errno = mine;                                                                              \
        call;                                                                                      \
        if (errno != mine)                                                                         \
            say("%s changed errno to %s\n", #call, error_name(errno));                             \
    } while (0)

static void *returns(void *argument)
{
    return argument;
}

static void *routine(void *argument)
{
    int mine = 1000 + index_of(argument);
    char byte = 'x';
    pthread_t thread;
    struct timespec soon = deadline_on(CLOCK_REALTIME, 20);
    struct pollfd waits = {.fd = -1};
    pthread_mutex_t private_lock = PTHREAD_MUTEX_INITIALIZER;
    untouched(pthread_barrier_wait(&step));
    untouched(sched_yield());
    untouched(usleep(500));
    untouched(pthread_mutex_lock(&lock));
    untouched(pthread_cond_timedwait(&changed, &lock, &soon));
    untouched(pthread_mutex_unlock(&lock));
    untouched(sem_wait(&semaphore));
    untouched(sem_post(&semaphore));
    untouched(write(ends[1], &byte, 1));
    untouched(read(ends[0], &byte, 1));
    untouched(send(ends[0], &byte, 1, 0));
    untouched(recv(ends[1], &byte, 1, 0));
    untouched(poll(&waits, 1, 5));
    untouched(pthread_create(&thread, NULL, returns, NULL));
    untouched(pthread_join(thread, NULL));
    untouched(pthread_mutex_trylock(&private_lock));
    untouched(pthread_mutex_unlock(&private_lock));
    untouched(close(dup(ends[0])));
    int set = epoll_create1(0);
    struct epoll_event event;
    untouched(epoll_wait(set, &event, 1, 2));
    untouched(close(set));
    untouched(free(malloc(100000)));
    expect(read(-1, &byte, 1) == -1 && errno == EBADF);
    pthread_barrier_wait(&step);
    expect(errno == EBADF);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(sem_init(&semaphore, 0, 1));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must(pthread_barrier_init(&step, NULL, THREADS));
    errno = EDOM;
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    expect(errno == EDOM);
    return finished();
}
