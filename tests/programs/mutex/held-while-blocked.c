/* SPDX-License-Identifier: MIT */
/* A thread sleeps, reads and waits while it holds a mutex that a hundred others want. */
#include "check.h"

enum { THREADS = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t started;
static int order, pipes[2];

static void *wants(void *argument)
{
    pthread_barrier_wait(&started);
    must(pthread_mutex_lock(&lock));
    order++;
    must(pthread_mutex_unlock(&lock));
    return argument;
}

static void *holds(void *argument)
{
    char byte = 0;
    must(pthread_mutex_lock(&lock));
    pthread_barrier_wait(&started);
    settle();
    expect(read(pipes[0], &byte, 1) == 1);
    expect(byte == 'x');
    expect(order == 0);
    must(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(pipe(pipes));
    must(pthread_barrier_init(&started, NULL, THREADS + 2));
    pthread_t holder = start(holds, NULL);
    start_many(threads, THREADS, wants);
    pthread_barrier_wait(&started);
    settle();
    must_sys(write(pipes[1], "x", 1));
    join(holder);
    join_many(threads, THREADS);
    say("%d had it\n", order);
    return finished();
}
