/* SPDX-License-Identifier: MIT */
/* A wait that ends and a cancellation at the same time: the thread has what it waited for, or it is
 * still there for others; nothing is lost and nothing is had twice. */
#include <semaphore.h>

#include "check.h"

enum { ROUNDS = 200 };

static sem_t semaphore, go;
static pthread_barrier_t together;
static pthread_t target, waiter;
static int took, condition;
static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *waits(void *argument)
{
    must_sys(sem_wait(&semaphore));
    took++;
    return argument;
}

static void *cancels(void *argument)
{
    pthread_barrier_wait(&together);
    must(pthread_cancel(waiter));
    return argument;
}

static void race_with_post(void)
{
    int value;
    for (int round = 0; round < ROUNDS; round++) {
        took = 0;
        waiter = start(waits, NULL);
        pthread_t canceller = start(cancels, NULL);
        pthread_barrier_wait(&together);
        must_sys(sem_post(&semaphore));
        join(canceller);
        join(waiter);
        must_sys(sem_getvalue(&semaphore, &value));
        expect(took + value == 1);
        if (value)
            must_sys(sem_wait(&semaphore));
    }
}

static void *ends(void *argument)
{
    must_sys(sem_wait(&go));
    return argument;
}

static void *joins(void *argument)
{
    (void)argument;
    return join(target);
}

static void race_with_end(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        target = start(ends, "of the target");
        waiter = start(joins, NULL);
        pthread_t canceller = start(cancels, NULL);
        pthread_barrier_wait(&together);
        must_sys(sem_post(&go));
        join(canceller);
        void *value = join(waiter);
        if (value == PTHREAD_CANCELED)
            value = join(target);
        expect(strcmp(value, "of the target") == 0);
    }
}

static void unlock(void *argument)
{
    (void)argument;
    must(pthread_mutex_unlock(&lock));
}

static void *waits_for_condition(void *argument)
{
    must(pthread_mutex_lock(&lock));
    pthread_cleanup_push(unlock, NULL);
    while (!condition)
        must(pthread_cond_wait(&changed, &lock));
    took = 1;
    pthread_cleanup_pop(1);
    return argument;
}

/* The mutex is held by whoever says so, in the handler too. */
static void race_with_signal(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        took = condition = 0;
        waiter = start(waits_for_condition, "had it");
        pthread_t canceller = start(cancels, NULL);
        pthread_barrier_wait(&together);
        must(pthread_mutex_lock(&lock));
        condition = 1;
        must(pthread_cond_signal(&changed));
        must(pthread_mutex_unlock(&lock));
        join(canceller);
        void *value = join(waiter);
        expect(took == (value != PTHREAD_CANCELED));
        must(pthread_mutex_lock(&lock));
        must(pthread_mutex_unlock(&lock));
    }
}

int main(void)
{
    must_sys(sem_init(&semaphore, 0, 0));
    must_sys(sem_init(&go, 0, 0));
    must(pthread_barrier_init(&together, NULL, 2));
    race_with_post();
    race_with_end();
    race_with_signal();
    return finished();
}
