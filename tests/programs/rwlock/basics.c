/* SPDX-License-Identifier: MIT */
/* Read and write locks: who excludes whom, EBUSY, EDEADLK, time-outs on both clocks. */
#include "check.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void *while_read_locked(void *argument)
{
    struct timespec soon = deadline_on(CLOCK_REALTIME, 40);
    int64_t begin = now_ns();
    show(pthread_rwlock_tryrdlock(&lock));
    show(pthread_rwlock_unlock(&lock));
    show(pthread_rwlock_trywrlock(&lock));
    show(pthread_rwlock_timedwrlock(&lock, &soon));
    say("%s\n", elapsed_word(begin, 39));
    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 40);
    show(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &soon));
    say("%s\n", elapsed_word(begin, 40));
    show(pthread_rwlock_timedrdlock(&lock, &soon));
    show(pthread_rwlock_unlock(&lock));
    return argument;
}

static void *while_write_locked(void *argument)
{
    struct timespec soon = deadline_on(CLOCK_REALTIME, 40), past = {1, 0}, bad = {1, SECOND};
    int64_t begin = now_ns();
    show(pthread_rwlock_tryrdlock(&lock));
    show(pthread_rwlock_trywrlock(&lock));
    show(pthread_rwlock_timedrdlock(&lock, &soon));
    say("%s\n", elapsed_word(begin, 39));
    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 40);
    show(pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &soon));
    say("%s\n", elapsed_word(begin, 40));
    show(pthread_rwlock_timedrdlock(&lock, &past));
    show(pthread_rwlock_timedwrlock(&lock, &past));
    show(pthread_rwlock_timedrdlock(&lock, &bad));
    show(pthread_rwlock_clockrdlock(&lock, CLOCK_PROCESS_CPUTIME_ID, &past));
    return argument;
}

static void *owner(void *argument)
{
    show(pthread_rwlock_rdlock(&lock));
    show(pthread_rwlock_rdlock(&lock));
    join(start(while_read_locked, NULL));
    show(pthread_rwlock_unlock(&lock));
    show(pthread_rwlock_unlock(&lock));
    show(pthread_rwlock_wrlock(&lock));
    show(pthread_rwlock_wrlock(&lock));
    show(pthread_rwlock_rdlock(&lock));
    join(start(while_write_locked, NULL));
    show(pthread_rwlock_unlock(&lock));
    return argument;
}

int main(void)
{
    owner(NULL);
    join(start(owner, NULL));
    show(pthread_rwlock_destroy(&lock));
    return finished();
}
