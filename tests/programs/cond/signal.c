/* SPDX-License-Identifier: MIT */
/* One signal lets one waiter go on; a signal without waiters is forgotten. */
#include "check.h"

enum { WAITERS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER, passed_on = PTHREAD_COND_INITIALIZER;
static int tickets, waiting, passed;

static void *waits(void *argument)
{
    must(pthread_mutex_lock(&lock));
    waiting++;
    must(pthread_cond_signal(&passed_on));
    while (tickets == 0)
        must(pthread_cond_wait(&changed, &lock));
    tickets--;
    passed++;
    must(pthread_cond_signal(&passed_on));
    must(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    pthread_t threads[WAITERS];
    show(pthread_cond_signal(&changed));
    show(pthread_cond_broadcast(&changed));
    start_many(threads, WAITERS, waits);
    must(pthread_mutex_lock(&lock));
    while (waiting < WAITERS)
        must(pthread_cond_wait(&passed_on, &lock));
    for (int i = 1; i <= WAITERS; i++) {
        tickets++;
        must(pthread_cond_signal(&changed));
        while (passed < i)
            must(pthread_cond_wait(&passed_on, &lock));
        expect(passed == i && tickets == 0);
    }
    must(pthread_mutex_unlock(&lock));
    join_many(threads, WAITERS);
    say("%d passed\n", passed);
    show(pthread_cond_destroy(&changed));
    return finished();
}
