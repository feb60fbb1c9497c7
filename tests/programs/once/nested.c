/* SPDX-License-Identifier: MIT */
/* A once routine that uses another once, makes a thread and joins it; many onces at the same
 * time. */
#include "check.h"

enum { ONCES = 50, THREADS = 40 };

static pthread_once_t onces[ONCES], outer = PTHREAD_ONCE_INIT, inner = PTHREAD_ONCE_INIT;
static int runs[ONCES], current_order;
static __thread int current;

static void count(void)
{
    runs[current]++;
    sched_yield();
}

static void run_inner(void)
{
    say("inner %d\n", current_order++);
}

static void *thread_in_once(void *argument)
{
    must(pthread_once(&inner, run_inner));
    return argument;
}

static void run_outer(void)
{
    say("outer %d\n", current_order++);
    must(pthread_once(&inner, run_inner));
    join(start(thread_in_once, NULL));
}

static void *routine(void *argument)
{
    must(pthread_once(&outer, run_outer));
    for (int i = 0; i < ONCES; i++) {
        current = (i + index_of(argument)) % ONCES;
        must(pthread_once(&onces[current], count));
        expect(runs[current] == 1);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    for (int i = 0; i < ONCES; i++)
        expect(runs[i] == 1);
    return finished();
}
