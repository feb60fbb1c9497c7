/* SPDX-License-Identifier: MIT */
/* Whom one may cancel: oneself, the ended that nobody has joined yet, detached ones; and many
 * threads may cancel the same one, whose handler runs once. */
#include <semaphore.h>

#include "check.h"

enum { CANCELLERS = 20 };

static sem_t ready, gone;
static pthread_t target;
static int pipes[2], cleaned;
static pthread_barrier_t together;

static void clean_up(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void clean_up_and_post(void *argument)
{
    clean_up(argument);
    must_sys(sem_post(&gone));
}

static void *blocks(void *argument)
{
    char byte;
    pthread_cleanup_push(clean_up, NULL);
    must_sys(sem_post(&ready));
    for (;;)
        read(pipes[0], &byte, 1);
    pthread_cleanup_pop(0);
    return argument;
}

static void *detached(void *argument)
{
    char byte;
    pthread_cleanup_push(clean_up_and_post, NULL);
    must_sys(sem_post(&ready));
    for (;;)
        read(pipes[0], &byte, 1);
    pthread_cleanup_pop(0);
    return argument;
}

static void *ends(void *argument)
{
    return argument;
}

static void *cancels(void *argument)
{
    pthread_barrier_wait(&together);
    must(pthread_cancel(target));
    return argument;
}

static void *by_itself(void *argument)
{
    pthread_cleanup_push(clean_up, NULL);
    for (int i = 0; i < 3; i++)
        must(pthread_cancel(pthread_self()));
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return argument;
}

static const char *word(void *result)
{
    return result == PTHREAD_CANCELED ? "canceled" : (const char *)result;
}

int main(void)
{
    pthread_t cancellers[CANCELLERS];
    must_sys(pipe(pipes));
    must_sys(sem_init(&ready, 0, 0));
    must_sys(sem_init(&gone, 0, 0));
    must(pthread_barrier_init(&together, NULL, CANCELLERS));
    for (int i = 0; i < 5; i++) {
        target = start(blocks, NULL);
        must_sys(sem_wait(&ready));
        start_many(cancellers, CANCELLERS, cancels);
        join_many(cancellers, CANCELLERS);
        say("%s\n", word(join(target)));
    }
    say("cleaned %d\n", cleaned);
    say("%s\n", word(join(start(by_itself, "of itself"))));
    say("cleaned %d\n", cleaned);

    /* Ended or not: it reaches no cancellation point. */
    for (int i = 0; i < 5; i++) {
        target = start(ends, "ended by itself");
        if (i > 2)
            settle();
        show(pthread_cancel(target));
        show(pthread_cancel(target));
        say("%s\n", word(join(target)));
    }
    /* And whoever comes next is not cancelled. */
    for (int i = 0; i < 5; i++)
        say("%s\n", word(join(start(ends, "the next one"))));

    for (int i = 0; i < 5; i++) {
        pthread_t thread = start(detached, NULL);
        must_sys(sem_wait(&ready));
        must(pthread_detach(thread));
        show(pthread_cancel(thread));
        must_sys(sem_wait(&gone));
    }
    say("cleaned %d\n", cleaned);
    return finished();
}
