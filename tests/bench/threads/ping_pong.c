/* SPDX-License-Identifier: MIT */
/* ping_pong ROUNDS PAIRS: in each pair two threads pass the turn to each other by a mutex and a
 * condition variable. */
#include "measure.h"

struct pair {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    int turn;
    pthread_t players[2];
};

struct player {
    struct pair *pair;
    int side;
};

static long rounds;

static void *play(void *argument)
{
    struct player *self = argument;
    struct pair *pair = self->pair;

    pthread_mutex_lock(&pair->lock);
    for (long i = 0; i < rounds; i++) {
        while (pair->turn != self->side)
            pthread_cond_wait(&pair->turned, &pair->lock);
        pair->turn = !self->side;
        pthread_cond_signal(&pair->turned);
    }
    pthread_mutex_unlock(&pair->lock);
    return NULL;
}

int main(int count, char **arguments)
{
    long pairs = number_at(2, count, arguments);
    struct pair *all = calloc((size_t)pairs, sizeof *all);
    struct player *players = calloc((size_t)pairs * 2, sizeof *players);
    uint64_t began, cpu;

    rounds = number_at(1, count, arguments);
    began = now_ns();
    cpu = cpu_ns();
    for (long i = 0; i < pairs; i++) {
        pthread_mutex_init(&all[i].lock, NULL);
        pthread_cond_init(&all[i].turned, NULL);
        for (int side = 0; side < 2; side++) {
            players[2 * i + side] = (struct player){ &all[i], side };
            all[i].players[side] = start(play, &players[2 * i + side]);
        }
    }
    for (long i = 0; i < pairs; i++)
        for (int side = 0; side < 2; side++)
            pthread_join(all[i].players[side], NULL);
    say("ns_per_round", (double)(now_ns() - began) / (double)(rounds * pairs));
    say("cpu_ns_per_round", (double)(cpu_ns() - cpu) / (double)(rounds * pairs));
    return 0;
}
