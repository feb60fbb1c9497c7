/* SPDX-License-Identifier: MIT */
/* pthread_once: one caller runs the routine, which blocks; all the others wait for its end. */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 100 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t together;
static int runs, value;

static void initialise(void)
{
    runs++;
    usleep(20000);
    value = 42;
}

static void *routine(void *argument)
{
    pthread_barrier_wait(&together);
    must(pthread_once(&once, initialise));
    expect(value == 42);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must(pthread_barrier_init(&together, NULL, THREADS));
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    show(pthread_once(&once, initialise));
    say("runs %d\n", runs);
    return finished();
}
