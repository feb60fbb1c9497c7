/* SPDX-License-Identifier: MIT */
/* A thousand detached threads in flight at once, each heard of exactly once. */
#include "check.h"

enum { THREADS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_done = PTHREAD_COND_INITIALIZER;
static int done;
static unsigned char seen[THREADS];

static void *routine(void *argument)
{
    pthread_mutex_lock(&lock);
    seen[index_of(argument)]++;
    if (++done == THREADS)
        pthread_cond_signal(&all_done);
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void)
{
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    must(pthread_attr_setstacksize(&attr, 64 << 10));
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        must(pthread_create(&thread, &attr, routine, (void *)(intptr_t)i));
    }
    pthread_mutex_lock(&lock);
    while (done < THREADS)
        pthread_cond_wait(&all_done, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < THREADS; i++)
        expect(seen[i] == 1);
    return finished();
}
