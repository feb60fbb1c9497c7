/* SPDX-License-Identifier: MIT */
/* pthread_self, gettid and getpid: stable across blocking, distinct between living threads. */
#include "check.h"

enum { THREADS = 100, ROUNDS = 20 };

static pthread_barrier_t step;
static pid_t ids[THREADS];

static int by_value(const void *a, const void *b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

static void *routine(void *argument)
{
    pthread_t self = pthread_self();
    ids[index_of(argument)] = gettid();
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&step);
        expect(pthread_equal(self, pthread_self()));
        expect(ids[index_of(argument)] == gettid());
        expect(gettid() != getpid());
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    expect(gettid() == getpid());
    must(pthread_barrier_init(&step, NULL, THREADS));
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    qsort(ids, THREADS, sizeof *ids, by_value);
    for (int i = 1; i < THREADS; i++)
        expect(ids[i] != ids[i - 1]);
    return finished();
}
