/* SPDX-License-Identifier: MIT */
/*
 * pthread_once(3p), call_once (C11). glibc: nptl/pthread_once.c. Needs no lane.
 *
 * Ours for all threads, started or not, since glibc's cannot be tried. The word has glibc's
 * layout, so a word that is done is done for everybody: bit 1 done, bit 0 in progress, and above
 * them which process is making progress. If that is not this one, we are a fork's child and the
 * thread that was at it does not exist here: start again. glibc counts forks there; the process
 * id does as well.
 */
#include "sync.h"

#include <limits.h>
#include <threads.h>

enum { IN_PROGRESS = 1, DONE = 2, PROCESS_SHIFT = 2 };

struct attempt {
    int *word;
    int result; /* DONE; 0 while the routine may still be left by cancellation or an exception */
};

/* The end of an attempt, in either way. */
static void conclude(struct attempt *attempt)
{
    __atomic_exchange_n(attempt->word, attempt->result, __ATOMIC_SEQ_CST);
    ut_shake();
    if (!ut_lot_occupied(attempt->word))
        return;
    ut_critical_begin();
    ut_lot_wake(attempt->word, UINT_MAX);
    ut_critical_end();
}

static void run(int *word, void (*routine)(void))
{
    struct attempt attempt __attribute__((cleanup(conclude))) = {word, 0};
    routine();
    attempt.result = DONE;
}

/* Until WORD is no more MINE, which another thread is working on. Not a cancellation point. */
static void await_change(int *word, int mine)
{
    struct ut_coro *self = ut_shim_self();
    struct ut_lot_waiter waiter;
    enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
    ut_critical_begin();
    ut_lot_enqueue(&waiter, word, UT_SYNC_ANY);
    ut_shake();
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == mine)
        outcome = ut_lot_wait(&waiter, "pthread_once", UT_FOREVER);
    else
        ut_lot_abort(&waiter); /* all are woken: none is owed */
    ut_critical_end();
    if (outcome == UT_WAIT_INTERRUPTED && self)
        ut_shim_attend(self, false);
}

static __attribute__((noinline)) void run_or_wait(int *word, void (*routine)(void))
{
    int mine = (int)(ut_syscall0(SYS_getpid) << PROCESS_SHIFT) | IN_PROGRESS;
    for (;;) {
        int value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if (value & DONE)
            return;
        if (value == mine) {
            await_change(word, mine);
        } else if (__atomic_compare_exchange_n(word, &value, mine, false, __ATOMIC_ACQUIRE,
                                               __ATOMIC_RELAXED)) {
            run(word, routine);
            return;
        }
    }
}

UT_EXPORT int pthread_once(pthread_once_t *word, void (*routine)(void))
{
    if (__builtin_expect(!(__atomic_load_n(word, __ATOMIC_ACQUIRE) & DONE), 0))
        run_or_wait(word, routine);
    return 0;
}

extern __typeof__(pthread_once) __pthread_once
    __attribute__((alias("pthread_once"), visibility("default")));

UT_EXPORT void call_once(once_flag *flag, void (*routine)(void))
{
    pthread_once(&flag->__data, routine);
}
