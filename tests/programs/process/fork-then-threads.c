/* SPDX-License-Identifier: MIT */
/* A child of fork makes threads of its own, which lock, wait, sleep and talk over sockets; so
 * does its own child in turn, forked from a thread. */
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int here, ends[2];

static void *meets(void *argument)
{
    char byte = 'x';
    usleep(500);
    pthread_mutex_lock(&lock);
    if (++here == THREADS)
        pthread_cond_broadcast(&changed);
    while (here < THREADS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (index_of(argument) % 2)
        expect(send(ends[1], &byte, 1, 0) == 1);
    else
        expect(recv(ends[0], &byte, 1, 0) == 1);
    return NULL;
}

static void meet(void)
{
    pthread_t threads[THREADS];
    here = 0;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    start_many(threads, THREADS, meets);
    join_many(threads, THREADS);
    close(ends[0]);
    close(ends[1]);
}

static void *generation(void *argument)
{
    int depth = index_of(argument), status;
    meet();
    if (depth == 0)
        return NULL;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        join(start(generation, (void *)(intptr_t)(depth - 1)));
        exit(40 + depth);
    }
    must_sys(waitpid(child, &status, 0));
    say("depth %d: exited %d with %d\n", depth, WIFEXITED(status), WEXITSTATUS(status));
    meet();
    return NULL;
}

int main(void)
{
    generation((void *)3);
    join(start(generation, (void *)3));
    return finished();
}
