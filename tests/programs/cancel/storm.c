/* SPDX-License-Identifier: MIT */
/* Sixty threads wait with a mutex, a condition and a pipe; each is cancelled; nothing stays
 * locked, keys and clean-up handlers ran once each, and the rest of the program goes on. */
#include "check.h"

enum { THREADS = 60, ROUNDS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static int pipes[2], cleaned, destroyed, survived;
static int tokens;

static void unlock(void *argument)
{
    (void)argument;
    cleaned++;
    must(pthread_mutex_unlock(&lock));
}

static void destroy(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static void *waits(void *argument)
{
    char byte;
    must(pthread_setspecific(key, &key));
    if (index_of(argument) % 2) {
        must(pthread_mutex_lock(&lock));
        pthread_cleanup_push(unlock, NULL);
        for (;;)
            pthread_cond_wait(&changed, &lock);
        pthread_cleanup_pop(0);
    }
    for (;;)
        read(pipes[0], &byte, 1);
    return NULL;
}

static void *survives(void *argument)
{
    must(pthread_mutex_lock(&lock));
    while (tokens == 0)
        pthread_cond_wait(&changed, &lock);
    tokens--;
    survived++;
    must(pthread_mutex_unlock(&lock));
    return argument;
}

static void one_round(void)
{
    pthread_t threads[THREADS], survivors[10];
    start_many(threads, THREADS, waits);
    start_many(survivors, 10, survives);
    settle();
    for (int i = 0; i < THREADS; i++)
        must(pthread_cancel(threads[i]));
    must(pthread_mutex_lock(&lock));
    tokens = 10;
    /* The waiters that are being cancelled must not swallow the wake-ups of the others. */
    must(pthread_cond_broadcast(&changed));
    must(pthread_mutex_unlock(&lock));
    for (int i = 0; i < THREADS; i++)
        expect(join(threads[i]) == PTHREAD_CANCELED);
    join_many(survivors, 10);
}

int main(void)
{
    must_sys(pipe(pipes));
    must(pthread_key_create(&key, destroy));
    for (int i = 0; i < ROUNDS; i++)
        one_round();
    say("cleaned %d destroyed %d survived %d\n", cleaned, destroyed, survived);
    return finished();
}
