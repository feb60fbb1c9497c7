/* SPDX-License-Identifier: MIT */
/* Producers and consumers on a small buffer: every item arrives once, and order holds for each
 * producer as one consumer sees it. */
#include "check.h"

enum { PRODUCERS = 8, CONSUMERS = 8, ITEMS = 1500, SLOTS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER, not_empty = PTHREAD_COND_INITIALIZER;
static int buffer[SLOTS], first, used;
static unsigned char seen[PRODUCERS * ITEMS];

static void put(int item)
{
    must(pthread_mutex_lock(&lock));
    while (used == SLOTS)
        must(pthread_cond_wait(&not_full, &lock));
    buffer[(first + used++) % SLOTS] = item;
    must(pthread_cond_signal(&not_empty));
    must(pthread_mutex_unlock(&lock));
}

static int get(void)
{
    must(pthread_mutex_lock(&lock));
    while (used == 0)
        must(pthread_cond_wait(&not_empty, &lock));
    int item = buffer[first];
    first = (first + 1) % SLOTS;
    used--;
    must(pthread_cond_signal(&not_full));
    must(pthread_mutex_unlock(&lock));
    return item;
}

static void *produce(void *argument)
{
    for (int i = 0; i < ITEMS; i++)
        put(index_of(argument) * ITEMS + i);
    return NULL;
}

static void *consume(void *argument)
{
    int last[PRODUCERS];
    memset(last, -1, sizeof last);
    for (int item; (item = get()) >= 0;) {
        __atomic_fetch_add(&seen[item], 1, __ATOMIC_RELAXED);
        expect(item > last[item / ITEMS]);
        last[item / ITEMS] = item;
    }
    return argument;
}

int main(void)
{
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    int once = 0;
    start_many(consumers, CONSUMERS, consume);
    start_many(producers, PRODUCERS, produce);
    join_many(producers, PRODUCERS);
    for (int i = 0; i < CONSUMERS; i++)
        put(-1);
    join_many(consumers, CONSUMERS);
    for (int i = 0; i < PRODUCERS * ITEMS; i++)
        once += seen[i] == 1;
    say("%d items seen once, %d left\n", once, used);
    return finished();
}
