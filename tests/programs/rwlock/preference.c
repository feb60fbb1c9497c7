/* SPDX-License-Identifier: MIT */
/* With PREFER_WRITER_NONRECURSIVE a waiting writer keeps new readers out; by default it does
 * not. */
#include "check.h"

static pthread_rwlock_t lock;

static void *writes(void *argument)
{
    must(pthread_rwlock_wrlock(&lock));
    must(pthread_rwlock_unlock(&lock));
    return argument;
}

static void *tries_to_read(void *argument)
{
    int error = pthread_rwlock_tryrdlock(&lock);
    if (error == 0)
        must(pthread_rwlock_unlock(&lock));
    return (void *)(intptr_t)error;
}

static void with_kind(int kind, const char *name)
{
    pthread_rwlockattr_t attr;
    must(pthread_rwlockattr_init(&attr));
    must(pthread_rwlockattr_setkind_np(&attr, kind));
    must(pthread_rwlock_init(&lock, &attr));
    must(pthread_rwlockattr_destroy(&attr));
    must(pthread_rwlock_rdlock(&lock));
    pthread_t writer = start(writes, NULL);
    if (kind == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) {
        /* Succeeds until the writer waits, and never afterwards. */
        while (index_of(join(start(tries_to_read, NULL))) == 0)
            sched_yield();
    } else {
        settle();
    }
    say("%s: new reader %s\n", name, error_name(index_of(join(start(tries_to_read, NULL)))));
    must(pthread_rwlock_unlock(&lock));
    join(writer);
    must(pthread_rwlock_destroy(&lock));
}

int main(void)
{
    pthread_rwlockattr_t attr;
    must(pthread_rwlockattr_init(&attr));
    show(pthread_rwlockattr_setkind_np(&attr, 77));
    show(pthread_rwlockattr_setpshared(&attr, 77));
    with_kind(PTHREAD_RWLOCK_PREFER_READER_NP, "prefer readers");
    with_kind(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, "prefer writers");
    return finished();
}
