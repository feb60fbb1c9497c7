/* SPDX-License-Identifier: MIT */
/* Each post lets one through, whoever comes between: as many waits as posts, again and again, with takers that
 * wait and takers that come along. A wake-up that goes to one who needs none leaves another one asleep. */
#include <semaphore.h>

#include "check.h"

enum { TAKERS = 4, POSTERS = 3, ROUNDS = 1500, EACH = 4 };

static sem_t semaphore;
static pthread_barrier_t round_begins, round_ends;

static void *takes(void *argument)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&round_begins);
        for (int i = 0; i < POSTERS * EACH / TAKERS; i++)
            must_sys(sem_wait(&semaphore));
        pthread_barrier_wait(&round_ends);
    }
    return argument;
}

static void post_all(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&round_begins);
        for (int i = 0; i < EACH; i++)
            must_sys(sem_post(&semaphore));
        pthread_barrier_wait(&round_ends);
    }
}

static void *posts(void *argument)
{
    post_all();
    return argument;
}

int main(void)
{
    pthread_t takers[TAKERS], posters[POSTERS - 1];
    int value;
    sem_init(&semaphore, 0, 0);
    must(pthread_barrier_init(&round_begins, NULL, TAKERS + POSTERS));
    must(pthread_barrier_init(&round_ends, NULL, TAKERS + POSTERS));
    start_many(takers, TAKERS, takes);
    start_many(posters, POSTERS - 1, posts);
    post_all();
    join_many(takers, TAKERS);
    join_many(posters, POSTERS - 1);
    must_sys(sem_getvalue(&semaphore, &value));
    say("%d left\n", value);
    return finished();
}
