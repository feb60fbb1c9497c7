/* SPDX-License-Identifier: MIT */
/* Ping-pong of thirty-two pairs by signal alone: one wake-up lost would hang the program. */
#include "check.h"

enum { PAIRS = 32, ROUNDS = 400 };

static struct pair {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int turn;
} pairs[PAIRS];

static void *plays(void *argument)
{
    struct pair *pair = &pairs[index_of(argument) / 2];
    int side = index_of(argument) % 2;
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&pair->lock));
        while (pair->turn % 2 != side)
            must(pthread_cond_wait(&pair->changed, &pair->lock));
        pair->turn++;
        /* Half of the signals are sent with the mutex held, half without. */
        if (i % 2)
            must(pthread_cond_signal(&pair->changed));
        must(pthread_mutex_unlock(&pair->lock));
        if (i % 2 == 0)
            must(pthread_cond_signal(&pair->changed));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        must(pthread_mutex_init(&pairs[i].lock, NULL));
        must(pthread_cond_init(&pairs[i].changed, NULL));
    }
    start_many(threads, 2 * PAIRS, plays);
    join_many(threads, 2 * PAIRS);
    for (int i = 0; i < PAIRS; i++)
        expect(pairs[i].turn == 2 * ROUNDS);
    return finished();
}
