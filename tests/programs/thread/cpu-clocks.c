/* SPDX-License-Identifier: MIT */
/* The CPU clock of another thread goes as long as that computes, and stands while it waits; so does one's own;
 * many threads that take turns on the CPU are told apart. */
#include <sched.h>
#include <semaphore.h>

#include "check.h"

enum { THREADS = 6 };

static sem_t go_on, waits_now;
static volatile bool stop;

static void compute(int ms)
{
    volatile unsigned sum = 0;
    int64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin < ms * MILLISECOND) {
        for (int i = 0; i < 1000; i++)
            sum = sum + (unsigned)i;
        sched_yield();
    }
}

static void *computes_then_waits(void *argument)
{
    while (!stop)
        compute(1);
    sem_post(&waits_now);
    while (sem_wait(&go_on))
        ;
    return argument;
}

/* Each has used what it computed, and not what the others did meanwhile. */
static void *is_one_of_many(void *argument)
{
    int64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    compute(10 * (1 + index_of(argument)));
    int64_t used = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    expect(used < (10 * (1 + index_of(argument)) + 8) * MILLISECOND);
    return NULL;
}

int main(void)
{
    clockid_t clock;
    pthread_t thread, threads[THREADS];
    struct timespec resolution;
    must_sys(sem_init(&go_on, 0, 0));
    must_sys(sem_init(&waits_now, 0, 0));
    thread = start(computes_then_waits, NULL);
    show(pthread_getcpuclockid(thread, &clock));
    show_sys(clock_getres(clock, &resolution));
    /* It yields all the time: the clock must not be seen in the middle of that. */
    int64_t first = clock_ns(clock), last = first, now;
    while ((now = clock_ns(clock)) - first < 20 * MILLISECOND) {
        expect(now >= last);
        last = now;
    }
    say("it goes\n");
    stop = true;
    must_sys(sem_wait(&waits_now));
    settle();
    int64_t before = clock_ns(clock);
    settle();
    expect(clock_ns(clock) - before < 5 * MILLISECOND);
    say("it stands\n");
    sem_post(&go_on);
    join(thread);
    struct timespec time;
    show_sys(clock_gettime(12345, &time));
    start_many(threads, THREADS, is_one_of_many);
    join_many(threads, THREADS);
    return finished();
}
