/* SPDX-License-Identifier: MIT */
/* Priority inheritance and protection: accepted, exclusive, and the ceiling kept. */
#include "check.h"

enum { THREADS = 12, ROUNDS = 300 };

static pthread_mutex_t lock;
static volatile int counter;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&lock));
        counter = counter + 1;
        if (i % 50 == 0)
            sched_yield();
        must(pthread_mutex_unlock(&lock));
    }
    return argument;
}

static void *tries(void *argument)
{
    struct timespec soon = deadline_on(CLOCK_REALTIME, 30);
    show(pthread_mutex_trylock(&lock));
    show(pthread_mutex_timedlock(&lock, &soon));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_mutexattr_t attr;
    int protocol;
    must(pthread_mutexattr_init(&attr));
    show(pthread_mutexattr_setprotocol(&attr, 77));
    show(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
    show(pthread_mutexattr_getprotocol(&attr, &protocol));
    expect(protocol == PTHREAD_PRIO_INHERIT);
    show(pthread_mutex_init(&lock, &attr));
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    say("counter %d\n", counter);
    must(pthread_mutex_lock(&lock));
    join(start(tries, NULL));
    must(pthread_mutex_unlock(&lock));
    show(pthread_mutex_destroy(&lock));
    must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT));
    show(pthread_mutexattr_setprioceiling(&attr, 0));
    show(pthread_mutexattr_setprioceiling(&attr, 10));
    must(pthread_mutex_init(&lock, &attr));
    show(pthread_mutex_getprioceiling(&lock, &protocol));
    say("ceiling %d\n", protocol);
    show(pthread_mutex_destroy(&lock));
    return finished();
}
