/* SPDX-License-Identifier: MIT */
/* Two thousand threads alive at once, then two thousand one after another. */
#include "check.h"

enum { THREADS = 2000 };

static pthread_t threads[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int alive, at_most;
static bool go;

static void *together(void *argument)
{
    pthread_mutex_lock(&lock);
    if (++alive == THREADS)
        pthread_cond_broadcast(&changed);
    if (alive > at_most)
        at_most = alive;
    while (!go)
        pthread_cond_wait(&changed, &lock);
    alive--;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *alone(void *argument)
{
    return (char *)argument + 1;
}

int main(void)
{
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setstacksize(&attr, 64 << 10));
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], &attr, together, (void *)(intptr_t)i));
    pthread_mutex_lock(&lock);
    while (alive < THREADS)
        pthread_cond_wait(&changed, &lock);
    go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < THREADS; i++)
        expect(index_of(join(threads[i])) == i);
    say("at most %d alive, now %d\n", at_most, alive);
    char *value = NULL;
    for (int i = 0; i < THREADS; i++)
        value = join(start(alone, value));
    say("counted to %ld\n", (long)value);
    return finished();
}
