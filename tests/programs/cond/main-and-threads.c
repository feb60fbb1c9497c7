/* SPDX-License-Identifier: MIT */
/* The main thread and threads wait side by side on one condition variable. */
#include "check.h"

enum { THREADS = 9, TURNS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *takes_turns(void *argument)
{
    must(pthread_mutex_lock(&lock));
    for (;;) {
        while (turn < TURNS && turn % (THREADS + 1) != index_of(argument))
            must(pthread_cond_wait(&changed, &lock));
        if (turn >= TURNS)
            break;
        turn++;
        must(pthread_cond_broadcast(&changed));
    }
    must(pthread_mutex_unlock(&lock));
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, takes_turns);
    takes_turns((void *)(intptr_t)THREADS);
    join_many(threads, THREADS);
    say("turn %d\n", turn);
    return finished();
}
