/* SPDX-License-Identifier: MIT */
/* A hundred readers are inside at the same time: each waits there for all the others. */
#include "check.h"

enum { READERS = 100 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t inside;

static void *reads(void *argument)
{
    must(pthread_rwlock_rdlock(&lock));
    pthread_barrier_wait(&inside);
    must(pthread_rwlock_unlock(&lock));
    return argument;
}

int main(void)
{
    pthread_t threads[READERS];
    must(pthread_barrier_init(&inside, NULL, READERS));
    start_many(threads, READERS, reads);
    join_many(threads, READERS);
    show(pthread_rwlock_trywrlock(&lock));
    show(pthread_rwlock_unlock(&lock));
    return finished();
}
