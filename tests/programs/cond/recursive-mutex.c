/* SPDX-License-Identifier: MIT */
/* Waiting with a recursive and with an error-checking mutex: released while waiting, owned
 * after. */
#include "check.h"

static pthread_mutex_t locks[2] = {PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
                                   PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP};
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool waiting, go;

static void *waits(void *argument)
{
    pthread_mutex_t *lock = argument;
    must(pthread_mutex_lock(lock));
    waiting = true;
    while (!go)
        must(pthread_cond_wait(&changed, lock));
    must(pthread_cond_signal(&changed));
    show(pthread_mutex_lock(lock));
    show(pthread_mutex_unlock(lock));
    pthread_mutex_unlock(lock);
    return NULL;
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        waiting = go = false;
        pthread_t thread = start(waits, &locks[i]);
        /* That the waiter's flag is seen with the mutex held shows that waiting released it. */
        for (bool seen = false; !seen; sched_yield()) {
            must(pthread_mutex_lock(&locks[i]));
            seen = go = waiting;
            if (seen)
                must(pthread_cond_signal(&changed));
            must(pthread_mutex_unlock(&locks[i]));
        }
        join(thread);
        show(pthread_mutex_trylock(&locks[i]));
        show(pthread_mutex_unlock(&locks[i]));
    }
    pthread_mutex_t *checked = &locks[1];
    show(pthread_cond_wait(&changed, checked));
    return finished();
}
