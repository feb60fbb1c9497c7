/* SPDX-License-Identifier: MIT */
/* For misc/constructor-threads: its constructor makes a thread and waits for it, its destructor ends another. */
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t helper;
static bool stop;
static int value;

static void *computes(void *unused)
{
    value = 40;
    return unused;
}

static void *waits(void *unused)
{
    pthread_mutex_lock(&lock);
    while (!stop)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return unused;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, computes, NULL);
    pthread_join(thread, NULL);
    pthread_create(&helper, NULL, waits, NULL);
}

__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&lock);
    stop = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(helper, NULL);
}

int library_value(void);

int library_value(void)
{
    return value + 2;
}
