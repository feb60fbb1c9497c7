/* SPDX-License-Identifier: MIT */
/* sigaltstack belongs to a thread: none at first, its own afterwards, and a handler runs there,
 * also after the thread's stack overflowed. */
#include <setjmp.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 12, SIZE = 32 << 10 };

static __thread char *mine;
/* Volatile, because the compiler takes raise for a function that cannot call back. */
static __thread volatile bool handler_was_inside, flag_in_handler;
static __thread sigjmp_buf recover;
static volatile int depth_wanted = 1 << 30;

static bool inside(const void *address)
{
    return (const char *)address >= mine && (const char *)address < mine + SIZE;
}

static void look(void)
{
    char local;
    stack_t now;
    handler_was_inside = inside(&local);
    must_sys(sigaltstack(NULL, &now));
    flag_in_handler = now.ss_flags & SS_ONSTACK;
}

static void handle(int number)
{
    (void)number;
    look();
}

static void handle_overflow(int number)
{
    look();
    siglongjmp(recover, number);
}

static int recurse(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    return depth < depth_wanted ? recurse(depth + 1) + frame[0] : 0;
}

static void *routine(void *argument)
{
    stack_t now, alternate = {.ss_size = SIZE};
    must_sys(sigaltstack(NULL, &now));
    expect(now.ss_flags == SS_DISABLE);
    mine = alternate.ss_sp = malloc(SIZE);
    must_sys(sigaltstack(&alternate, NULL));
    for (int i = 0; i < 5; i++) {
        sched_yield();
        handler_was_inside = false;
        must_sys(raise(SIGUSR1));
        expect(handler_was_inside && flag_in_handler);
        must_sys(sigaltstack(NULL, &now));
        expect(now.ss_sp == mine && now.ss_flags == 0 && now.ss_size == SIZE);
    }
    handler_was_inside = false;
    if (sigsetjmp(recover, 1) == 0)
        expect(recurse(index_of(argument)) && false);
    expect(handler_was_inside);
    alternate.ss_flags = SS_DISABLE;
    must_sys(sigaltstack(&alternate, NULL));
    handler_was_inside = true;
    must_sys(raise(SIGUSR1));
    expect(!handler_was_inside);
    free(mine);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t attr;
    stack_t small = {.ss_sp = &attr, .ss_size = 100};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    action.sa_handler = handle_overflow;
    must_sys(sigaction(SIGSEGV, &action, NULL));
    show_sys(sigaltstack(&small, NULL));
    must(pthread_attr_init(&attr));
    must(pthread_attr_setstacksize(&attr, 128 << 10));
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < THREADS; k++)
            must(pthread_create(&threads[k], &attr, routine, (void *)(intptr_t)k));
        join_many(threads, THREADS);
    }
    return finished();
}
