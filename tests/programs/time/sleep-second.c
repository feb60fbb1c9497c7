/* SPDX-License-Identifier: MIT */
/* sleep(1) by three hundred threads at once takes about one second in all. */
#include "check.h"

enum { THREADS = 300 };

static void *sleeps(void *argument)
{
    int64_t begin = now_ns();
    expect(sleep(1) == 0);
    expect(now_ns() - begin >= SECOND);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    int64_t begin = now_ns();
    start_many(threads, THREADS, sleeps);
    join_many(threads, THREADS);
    say("%s\n", elapsed_word(begin, 1000));
    return finished();
}
