/* SPDX-License-Identifier: MIT */
/* A cancelled joiner leaves its target joinable; threads that have ended, are detached or cancelled by many at once;
 * a thread that joins itself; many threads that join many others. */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 40 };

static sem_t leave, ended;
static pthread_t threads[THREADS];

static void *waits(void *argument)
{
    while (sem_wait(&leave))
        ;
    return argument;
}

static void *joins(void *argument)
{
    must(pthread_join(*(pthread_t *)argument, NULL));
    return argument;
}

static void *joins_itself(void *argument)
{
    show(pthread_join(pthread_self(), NULL));
    return argument;
}

static void post(void *argument)
{
    sem_post(argument);
}

static void *blocks(void *argument)
{
    pthread_cleanup_push(post, &ended);
    for (;;)
        usleep(100000);
    pthread_cleanup_pop(0);
    return argument;
}

static void *cancels(void *argument)
{
    must(pthread_cancel(*(pthread_t *)argument));
    return NULL;
}

static void *joins_one(void *argument)
{
    return join(threads[index_of(argument)]);
}

int main(void)
{
    sem_init(&leave, 0, 0);
    sem_init(&ended, 0, 0);
    pthread_t target = start(waits, "value"), joiner = start(joins, &target);
    settle();
    must(pthread_cancel(joiner));
    expect(join(joiner) == PTHREAD_CANCELED);
    sem_post(&leave);
    say("%s\n", (char *)join(target));
    join(start(joins_itself, NULL));

    target = start(waits, "other");
    sem_post(&leave);
    settle();
    show(pthread_cancel(target)); /* ended, or about to */
    void *result = join(target);
    expect(result == PTHREAD_CANCELED || strcmp(result, "other") == 0);

    pthread_t many[THREADS];
    target = start(blocks, NULL);
    for (int i = 0; i < THREADS; i++)
        many[i] = start(cancels, &target);
    join_many(many, THREADS);
    expect(join(target) == PTHREAD_CANCELED);
    must_sys(sem_wait(&ended));
    show_sys(sem_trywait(&ended));

    target = start(blocks, NULL);
    must(pthread_detach(target));
    must(pthread_cancel(target));
    must_sys(sem_wait(&ended));

    pthread_t joiners[THREADS];
    start_many(threads, THREADS, waits);
    start_many(joiners, THREADS, joins_one);
    for (int i = 0; i < THREADS; i++)
        sem_post(&leave);
    int sum = 0;
    for (int i = 0; i < THREADS; i++)
        sum += index_of(join(joiners[i]));
    say("sum %d\n", sum);
    return finished();
}
