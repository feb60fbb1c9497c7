/* SPDX-License-Identifier: MIT */
/* The main thread and a coroutine take turns at one mutex: neither starves, none is lost. */
#include "check.h"

enum { ROUNDS = 500, THREADS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int turn;

static void *takes_turns(void *argument)
{
    int mine = index_of(argument);
    for (int done = 0; done < ROUNDS;) {
        must(pthread_mutex_lock(&lock));
        bool ours = turn % (THREADS + 1) == mine;
        if (ours) {
            turn++;
            done++;
        }
        must(pthread_mutex_unlock(&lock));
        if (!ours)
            sched_yield();
    }
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
