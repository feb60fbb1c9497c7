/* SPDX-License-Identifier: MIT */
/* broadcast THREADS ROUNDS: the long poll. All threads wait at one condition variable; how long
 * from one broadcast until each of them has run and said so? */
#include "measure.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER, all_there = PTHREAD_COND_INITIALIZER;
static long threads, rounds, there, edition;

/* Called with the lock held, returns with it held, when the next edition is out. */
static void await_news(long seen)
{
    if (++there == threads)
        pthread_cond_signal(&all_there);
    while (edition == seen)
        pthread_cond_wait(&news, &lock);
}

static void *subscriber(void *argument)
{
    pthread_mutex_lock(&lock);
    for (long seen = 0; seen <= rounds; seen++)
        await_news(seen);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void publish(void)
{
    while (there < threads)
        pthread_cond_wait(&all_there, &lock);
    there = 0;
    edition++;
    pthread_cond_broadcast(&news);
}

int main(int count, char **arguments)
{
    pthread_t *all;
    uint64_t began, cpu;

    threads = number_at(1, count, arguments);
    rounds = number_at(2, count, arguments);
    all = calloc((size_t)threads, sizeof *all);
    for (long i = 0; i < threads; i++)
        all[i] = start(subscriber, NULL);
    pthread_mutex_lock(&lock);
    while (there < threads)
        pthread_cond_wait(&all_there, &lock);
    began = now_ns();
    cpu = cpu_ns();
    for (long i = 0; i < rounds; i++)
        publish();
    while (there < threads)
        pthread_cond_wait(&all_there, &lock);
    say("us_per_broadcast", (double)(now_ns() - began) / 1e3 / (double)rounds);
    say("cpu_us_per_broadcast", (double)(cpu_ns() - cpu) / 1e3 / (double)rounds);
    publish();
    pthread_mutex_unlock(&lock);
    for (long i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    return 0;
}
