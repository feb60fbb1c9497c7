/* SPDX-License-Identifier: MIT */
/* create warm ROUNDS: one thread at a time, made and joined by another thread; create main ROUNDS: by
 * the main thread. create cold N: N threads that are all alive before the first may end, so that
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
static double cost;

static void *warm(void *argument)
{
    uint64_t began;

    pthread_join(start(pass, NULL), NULL);
    began = now_ns();
    for (long i = 0; i < rounds; i++)
        pthread_join(start(pass, NULL), NULL);
    cost = (double)(now_ns() - began) / (double)rounds;
    return argument;
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
    rounds = number_at(2, count, arguments);
    if (strcmp(arguments[1], "cold") == 0)
        cost = cold(rounds);
    else if (strcmp(arguments[1], "main") == 0)
        warm(NULL);
    else
        pthread_join(start(warm, NULL), NULL);
    say("ns_per_thread", cost);
    return 0;
}
