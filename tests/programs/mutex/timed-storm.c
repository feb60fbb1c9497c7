/* SPDX-License-Identifier: MIT */
/* Many threads with short deadlines on one mutex: a lock is either had or timed out, and a
 * time- out neither loses the wake-up of another nor leaves the mutex taken. */
#include "check.h"

enum { THREADS = 24, ROUNDS = 60 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int inside, had, timed_out;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec soon = timespec_of(clock_ns(CLOCK_MONOTONIC) + (i % 5) * MILLISECOND / 2);
        int error = pthread_mutex_clocklock(&lock, CLOCK_MONOTONIC, &soon);
        if (error) {
            expect(error == ETIMEDOUT);
            __atomic_fetch_add(&timed_out, 1, __ATOMIC_RELAXED);
            continue;
        }
        expect(inside++ == 0);
        had++;
        struct timespec pause = {0, (i % 3) * 100000};
        nanosleep(&pause, NULL);
        inside--;
        must(pthread_mutex_unlock(&lock));
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    expect(had + timed_out == THREADS * ROUNDS);
    show(pthread_mutex_trylock(&lock));
    show(pthread_mutex_unlock(&lock));
    show(pthread_mutex_destroy(&lock));
    return finished();
}
