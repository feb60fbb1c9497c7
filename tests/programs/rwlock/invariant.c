/* SPDX-License-Identifier: MIT */
/* Readers share, writers exclude: two numbers that writers keep equal are equal for every
 * reader. */
#include "check.h"

enum { READERS = 30, WRITERS = 6, ROUNDS = 400 };

static pthread_rwlock_t locks[2] = {PTHREAD_RWLOCK_INITIALIZER,
                                    PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP};
static volatile int a[2], b[2];

static void *reads(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        int k = (i + index_of(argument)) % 2;
        must(pthread_rwlock_rdlock(&locks[k]));
        int first = a[k];
        if (i % 16 == 0)
            sched_yield();
        expect(first == b[k]);
        must(pthread_rwlock_unlock(&locks[k]));
    }
    return NULL;
}

static void *writes(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        int k = (i + index_of(argument)) % 2;
        must(pthread_rwlock_wrlock(&locks[k]));
        a[k] = a[k] + 1;
        if (i % 16 == 0)
            sched_yield();
        b[k] = b[k] + 1;
        must(pthread_rwlock_unlock(&locks[k]));
    }
    return NULL;
}

int main(void)
{
    pthread_t readers[READERS], writers[WRITERS];
    start_many(readers, READERS, reads);
    start_many(writers, WRITERS, writes);
    join_many(readers, READERS);
    join_many(writers, WRITERS);
    say("%d %d\n", a[0], a[1]);
    expect(a[0] == b[0] && a[1] == b[1]);
    return finished();
}
