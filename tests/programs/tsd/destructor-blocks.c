/* SPDX-License-Identifier: MIT */
/* Destructors may block, lock and do input and output; the joiner waits for them. */
#include "check.h"

enum { THREADS = 30 };

static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int destroyed, pipes[2];

static void blocks(void *value)
{
    char byte;
    expect(read(pipes[0], &byte, 1) == 1);
    pthread_mutex_lock(&lock);
    usleep(1000);
    destroyed += *(int *)value;
    pthread_mutex_unlock(&lock);
    free(value);
}

static void *routine(void *argument)
{
    int *value = malloc(sizeof *value);
    *value = 1;
    must(pthread_setspecific(key, value));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(pipe(pipes));
    must(pthread_key_create(&key, blocks));
    start_many(threads, THREADS, routine);
    for (int i = 0; i < THREADS; i++)
        must_sys(write(pipes[1], "x", 1));
    join_many(threads, THREADS);
    say("%d destroyed\n", destroyed);
    return finished();
}
