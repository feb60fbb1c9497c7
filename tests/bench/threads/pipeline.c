/* SPDX-License-Identifier: MIT */
/* pipeline ITEMS: items pass through eight threads; between two of them are sixteen places, with a
 * semaphore for those that are free and one for those that are taken. */
#include "measure.h"

#include <semaphore.h>

enum { STAGES = 8, PLACES = 16 };

static struct channel {
    sem_t empty, filled;
    long items[PLACES];
} channels[STAGES + 1];
static long items;

static void put(struct channel *channel, long n, long item)
{
    sem_wait(&channel->empty);
    channel->items[n % PLACES] = item;
    sem_post(&channel->filled);
}

static long take(struct channel *channel, long n)
{
    long item;

    sem_wait(&channel->filled);
    item = channel->items[n % PLACES];
    sem_post(&channel->empty);
    return item;
}

static void *stage(void *argument)
{
    struct channel *in = argument, *out = in + 1;

    for (long n = 0; n < items; n++)
        put(out, n, take(in, n) + 1);
    return NULL;
}

static void *feed(void *argument)
{
    for (long n = 0; n < items; n++)
        put(channels, n, n);
    return argument;
}

static void *drain(void *argument)
{
    for (long n = 0; n < items; n++)
        if (take(&channels[STAGES], n) != n + STAGES)
            errx(1, "an item was lost");
    return argument;
}

int main(int count, char **arguments)
{
    pthread_t threads[STAGES + 2];
    uint64_t began;

    items = number_at(1, count, arguments);
    for (int i = 0; i <= STAGES; i++) {
        sem_init(&channels[i].empty, 0, PLACES);
        sem_init(&channels[i].filled, 0, 0);
    }
    began = now_ns();
    for (int i = 0; i < STAGES; i++)
        threads[i] = start(stage, &channels[i]);
    threads[STAGES] = start(feed, NULL);
    threads[STAGES + 1] = start(drain, NULL);
    for (int i = 0; i < STAGES + 2; i++)
        pthread_join(threads[i], NULL);
    say("ns_per_item", (double)(now_ns() - began) / (double)items);
    return 0;
}
