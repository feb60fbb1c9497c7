/* SPDX-License-Identifier: MIT */
/* A mutex made of futex system calls, under contention of forty threads and main. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "check.h"

enum { THREADS = 40, ROUNDS = 500 };

/* 0 free, 1 held, 2 held and wanted. */
static int lock_word;
static volatile int counter;

static void lock(void)
{
    int expected = 0;
    if (__atomic_compare_exchange_n(&lock_word, &expected, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &lock_word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock(void)
{
    if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
        syscall(SYS_futex, &lock_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        counter = counter + 1;
        if (i % 10 == 0)
            sched_yield();
        unlock();
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, routine);
    routine(NULL);
    join_many(threads, THREADS);
    say("counter %d\n", counter);
    return finished();
}
