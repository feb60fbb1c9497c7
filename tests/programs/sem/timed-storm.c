/* SPDX-License-Identifier: MIT */
/* Posts race with time-outs: what was posted was taken or is still there, nothing lost or
 * doubled. */
#include <semaphore.h>

#include "check.h"

enum { TAKERS = 24, POSTERS = 8, POSTS = 400 };

static sem_t sem;
static int taken, stop;

static void *takes(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        struct timespec soon = timespec_of(clock_ns(CLOCK_MONOTONIC) + 200000);
        if (sem_clockwait(&sem, CLOCK_MONOTONIC, &soon) == 0)
            __atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
        else
            expect(errno == ETIMEDOUT);
    }
    return argument;
}

static void *posts(void *argument)
{
    for (int i = 0; i < POSTS; i++) {
        must_sys(sem_post(&sem));
        if (i % 8 == 0)
            usleep(300);
    }
    return argument;
}

int main(void)
{
    pthread_t takers[TAKERS], posters[POSTERS];
    int left;
    must_sys(sem_init(&sem, 0, 0));
    start_many(takers, TAKERS, takes);
    start_many(posters, POSTERS, posts);
    join_many(posters, POSTERS);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    join_many(takers, TAKERS);
    must_sys(sem_getvalue(&sem, &left));
    say("%d\n", taken + left);
    return finished();
}
