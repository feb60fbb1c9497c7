/* SPDX-License-Identifier: MIT */
/* Futexes by syscall(), as language runtimes use them: wait, wake, bitsets, requeue, time-outs. */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "check.h"

enum { WAITERS = 20 };

static int word, other, woken;

static long futex(int *address, int operation, int value, const void *timeout_or_count,
                  int *second, int third)
{
    operation |= FUTEX_PRIVATE_FLAG;
    return syscall(SYS_futex, address, operation, value, timeout_or_count, second, third);
}

static void *waits(void *argument)
{
    long result = futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
    expect(result == 0 || (result == -1 && errno == EAGAIN));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return argument;
}

static void *waits_for_bit(void *argument)
{
    expect(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 1 << index_of(argument)) == 0);
    return NULL;
}

static void *returns_at_once(void *argument)
{
    struct timespec forty = {0, 40 * MILLISECOND}, bad = {0, SECOND};
    int64_t begin = now_ns();
    show_sys(futex(&word, FUTEX_WAIT, 77, NULL, NULL, 0));
    show_sys(futex(&word, FUTEX_WAIT, word, &forty, NULL, 0));
    say("%s\n", elapsed_word(begin, 40));
    begin = now_ns();
    struct timespec until = deadline_on(CLOCK_MONOTONIC, 40);
    show_sys(futex(&word, FUTEX_WAIT_BITSET, word, &until, NULL, FUTEX_BITSET_MATCH_ANY));
    say("%s\n", elapsed_word(begin, 40));
    begin = now_ns();
    until = deadline_on(CLOCK_REALTIME, 40);
    show_sys(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word, &until, NULL, -1));
    say("%s\n", elapsed_word(begin, 39));
    show_sys(futex(&word, FUTEX_WAIT, word, &bad, NULL, 0));
    show_sys(futex(&word, FUTEX_WAIT_BITSET, word, NULL, NULL, 0));
    show_sys(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0));
    show_sys(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
    show_sys(futex(bad_pointer, FUTEX_WAIT, 0, NULL, NULL, 0));
    return argument;
}

static void wake_all(void)
{
    pthread_t threads[WAITERS];
    start_many(threads, WAITERS, waits);
    settle();
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    futex(&word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    join_many(threads, WAITERS);
    say("woken %d\n", woken);
}

/* Wakes by bit only, so it repeats until the one whose bit it is was there. */
static void wake_by_bit(void)
{
    pthread_t threads[8];
    start_many(threads, 8, waits_for_bit);
    for (int i = 7; i >= 0; i--) {
        while (futex(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 1 << i) == 0)
            sched_yield();
        join(threads[i]);
    }
    say("each woken by its bit\n");
}

/* Natively, on a loaded machine, a moved waiter was seen back at its first word: so they are
 * counted when moved, but woken wherever they are. */
static void requeue(void)
{
    pthread_t threads[4];
    long there = 0, moved = 0;
    word = woken = 0;
    start_many(threads, 4, waits);
    while (there < 4) {
        there += moved = futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)100, &other, 0);
        expect(moved >= 0);
        sched_yield();
    }
    show_sys(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)100, &other, 55));
    expect(futex(&other, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
    while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < 4) {
        futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0);
        futex(&other, FUTEX_WAKE, 100, NULL, NULL, 0);
        sched_yield();
    }
    join_many(threads, 4);
    say("moved and woken %d\n", woken);
}

int main(void)
{
    wake_all();
    wake_by_bit();
    requeue();
    returns_at_once(NULL);
    join(start(returns_at_once, NULL));
    return finished();
}
