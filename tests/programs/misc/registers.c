/* SPDX-License-Identifier: MIT */
/* What a switch must save: callee-saved values, the floating-point control words, vectors
 * across calls, and setjmp state; checked by sixty threads that yield and block all the time. */
#include <setjmp.h>

#include "check.h"

enum { THREADS = 60, ROUNDS = 300 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double compute(int seed, int *steps)
{
    double a = seed, b = seed * 0.5, c = seed + 0.25, d = 1.0 / (seed + 1), e = seed * 3.0;
    long p = seed, q = seed * 2, r = seed * 3, s = seed * 5, t = seed * 7;
    for (int i = 0; i < ROUNDS; i++) {
        a = a * 0.999 + b, b = b + d, c = c - d, e = e * 0.5 + c;
        p += q, q ^= r, r += s, s ^= t, t += p;
        if (i % 3 == 0)
            sched_yield();
        if (i % 16 == 0) {
            pthread_mutex_lock(&lock);
            *steps += 1;
            pthread_mutex_unlock(&lock);
        }
    }
    return a + b + c + d + e + (double)((p ^ q ^ r ^ s ^ t) & 0xffff);
}

static double alone[THREADS];

static void *routine(void *argument)
{
    int mine = index_of(argument), steps = 0;
    jmp_buf here;
    volatile int jumps = 0;
    expect(compute(mine, &steps) == alone[mine]);
    if (setjmp(here) < 5) {
        jumps = jumps + 1;
        sched_yield();
        longjmp(here, jumps);
    }
    expect(jumps == 5);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int steps = 0;
    for (int i = 0; i < THREADS; i++)
        alone[i] = compute(i, &steps);
    start_many(threads, THREADS, routine);
    join_many(threads, THREADS);
    return finished();
}
