/* SPDX-License-Identifier: MIT */
/* The address of a thread-local and of errno never changes for a thread, wherever it runs;
 * their values are its own while a hundred threads take turns. */
#include "check.h"

enum { THREADS = 100, ROUNDS = 200 };

static __thread int mine;
static pthread_barrier_t step;

static void *routine(void *argument)
{
    int *address = &mine, *error = &errno;
    mine = index_of(argument);
    for (int i = 0; i < ROUNDS; i++) {
        errno = index_of(argument) + i;
        if (i % 20 == 0)
            pthread_barrier_wait(&step);
        else
            sched_yield();
        expect(errno == index_of(argument) + i);
        expect(&mine == address && &errno == error);
        expect(mine == index_of(argument));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    must(pthread_barrier_init(&step, NULL, THREADS));
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    return finished();
}
