/* SPDX-License-Identifier: MIT */
/* ping_pong ROUNDS: two threads pass the turn to each other by a mutex and a condition variable. */
#include "measure.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn;
static long rounds;

static void *play(void *side)
{
    int mine = (int)(intptr_t)side;

    pthread_mutex_lock(&lock);
    for (long i = 0; i < rounds; i++) {
        while (turn != mine)
            pthread_cond_wait(&turned, &lock);
        turn = !mine;
        pthread_cond_signal(&turned);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t players[2];
    uint64_t began;

    rounds = number_at(1, count, arguments);
    began = now_ns();
    for (int i = 0; i < 2; i++)
        players[i] = start(play, (void *)(intptr_t)i);
    for (int i = 0; i < 2; i++)
        pthread_join(players[i], NULL);
    say("ns_per_round", (double)(now_ns() - began) / (double)rounds);
    return 0;
}
