/* SPDX-License-Identifier: MIT */
/* Thirty threads join thirty others; half of the joiners are cancelled while they wait, some by
 * other joiners: what they waited for can still be joined or detached, the others get their values.
 */
#include <semaphore.h>

#include "check.h"

enum { THREADS = 30 };

static pthread_t targets[THREADS], joiners[THREADS];
static sem_t go, gone;
static int detached;

static void count_gone(void *argument)
{
    (void)argument;
    must_sys(sem_post(&gone));
}

static void *target(void *argument)
{
    pthread_cleanup_push(count_gone, NULL);
    while (sem_wait(&go) < 0)
        ;
    pthread_cleanup_pop(1);
    return (char *)argument + 100;
}

static void *joiner(void *argument)
{
    int mine = index_of(argument);
    return (void *)(index_of(join(targets[mine])) == mine + 100 ? "right" : "wrong");
}

static void *canceller(void *argument)
{
    int mine = index_of(argument);
    must(pthread_cancel(joiners[mine * 2]));
    expect(join(joiners[mine * 2]) == PTHREAD_CANCELED);
    return NULL;
}

int main(void)
{
    pthread_t cancellers[THREADS / 2];
    must_sys(sem_init(&go, 0, 0));
    must_sys(sem_init(&gone, 0, 0));
    start_many(targets, THREADS, target);
    start_many(joiners, THREADS, joiner);
    settle();
    start_many(cancellers, THREADS / 2, canceller);
    join_many(cancellers, THREADS / 2);
    for (int i = 0; i < THREADS; i += 2) {
        expect(pthread_tryjoin_np(targets[i], NULL) == EBUSY);
        if (i % 4 == 0) {
            must(pthread_detach(targets[i]));
            detached++;
        }
    }
    for (int i = 0; i < THREADS; i++)
        must_sys(sem_post(&go));
    for (int i = 0; i < THREADS; i++) {
        if (i % 2)
            expect(strcmp(join(joiners[i]), "right") == 0);
        else if (i % 4)
            expect(index_of(join(targets[i])) == i + 100);
        must_sys(sem_wait(&gone));
    }
    say("%d detached\n", detached);
    return finished();
}
