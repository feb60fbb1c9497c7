/* SPDX-License-Identifier: MIT */
/* Two hundred threads: each result reaches its joiner, and the handle is the thread's own self. */
#include "check.h"

enum { THREADS = 200 };

static pthread_t threads[THREADS];
static pthread_barrier_t created;

static void *routine(void *argument)
{
    int i = index_of(argument);
    pthread_barrier_wait(&created);
    expect(pthread_equal(pthread_self(), threads[i]));
    expect(!pthread_equal(pthread_self(), threads[(i + 1) % THREADS]));
    return (void *)(intptr_t)(i * 3);
}

int main(void)
{
    long sum = 0;
    must(pthread_barrier_init(&created, NULL, THREADS + 1));
    start_many(threads, THREADS, routine);
    pthread_barrier_wait(&created);
    for (int i = THREADS - 1; i >= 0; i--) {
        long result = (long)join(threads[i]);
        expect(result == i * 3);
        sum += result;
    }
    say("sum %ld\n", sum);
    return finished();
}
