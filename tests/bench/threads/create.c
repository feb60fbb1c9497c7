/* SPDX-License-Identifier: MIT */
/* create warm ROUNDS [CREATORS]: one thread at a time, made and joined by another thread (or by each of
 * several); create main ROUNDS: by the main thread. create cold N: N threads that are all alive before the first may end, so that
 * none can take over what another has left. */
#include "measure.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *pass(void *argument)
{
    return argument;
}

static void *pass_gate(void *argument)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return argument;
}

static long rounds;

static void *create_and_join(void *argument)
{
    for (long i = 0; i < rounds; i++)
        pthread_join(start(pass, NULL), NULL);
    return argument;
}

static double by_main(void)
{
    uint64_t began;

    pthread_join(start(pass, NULL), NULL);
    began = now_ns();
    create_and_join(NULL);
    return (double)(now_ns() - began) / (double)rounds;
}

static double by_threads(long count)
{
    pthread_t *creators = calloc((size_t)count, sizeof *creators);
    uint64_t began, cpu;

    pthread_join(start(pass, NULL), NULL);
    began = now_ns();
    cpu = cpu_ns();
    for (long i = 0; i < count; i++)
        creators[i] = start(create_and_join, NULL);
    for (long i = 0; i < count; i++)
        pthread_join(creators[i], NULL);
    say("cpu_ns_per_thread", (double)(cpu_ns() - cpu) / (double)(rounds * count));
    return (double)(now_ns() - began) / (double)(rounds * count);
}

static double cold(long n)
{
    pthread_t *threads = calloc((size_t)n, sizeof *threads);
    uint64_t began;

    pthread_join(start(pass, NULL), NULL);
    began = now_ns();
    pthread_mutex_lock(&gate);
    for (long i = 0; i < n; i++)
        threads[i] = start(pass_gate, NULL);
    pthread_mutex_unlock(&gate);
    for (long i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return (double)(now_ns() - began) / (double)n;
}

int main(int count, char **arguments)
{
    double cost;

    rounds = number_at(2, count, arguments);
    if (strcmp(arguments[1], "cold") == 0)
        cost = cold(rounds);
    else if (strcmp(arguments[1], "main") == 0)
        cost = by_main();
    else
        cost = by_threads(count > 3 ? number_at(3, count, arguments) : 1);
    say("ns_per_thread", cost);
    return 0;
}
