/* SPDX-License-Identifier: MIT */
/* longjmp, _longjmp and siglongjmp: what each does to the signal mask, within a thread's own frames, out of a
 * handler, within a handler, and off an alternate stack; waits in between, so that threads move. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>

#include "check.h"

enum { THREADS = 12, ROUNDS = 30 };

static __thread sigjmp_buf out;
static __thread jmp_buf plain;
static __thread volatile int way, handled, inner_jumps;

static bool blocked(int number)
{
    sigset_t mask;
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    return sigismember(&mask, number);
}

static void block(int how, int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    must(pthread_sigmask(how, &set, NULL));
}

static void handle(int number)
{
    jmp_buf here;
    handled++;
    expect(blocked(number));
    if (way == 0)
        siglongjmp(out, 1);
    if (way == 1)
        longjmp(plain, 1);
    if (way == 2)
        _longjmp(plain, 1);
    if (_setjmp(here) == 0) /* stays in the handler */
        _longjmp(here, 1);
    inner_jumps++;
    sched_yield();
    expect(blocked(number));
}

static void raise_and_wait(void)
{
    must(pthread_kill(pthread_self(), SIGUSR1));
    sched_yield();
}

static void out_of_handlers(void)
{
    way = 0;
    if (sigsetjmp(out, 1) == 0)
        raise_and_wait();
    expect(!blocked(SIGUSR1));
    for (way = 1; way <= 2; way++) {
        if (_setjmp(plain) == 0)
            raise_and_wait();
        usleep(100);
        expect(blocked(SIGUSR1)); /* nothing has put it back */
        block(SIG_UNBLOCK, SIGUSR1);
    }
    way = 3;
    raise_and_wait();
    expect(!blocked(SIGUSR1));
}

static void without_handlers(void)
{
    if (sigsetjmp(out, 1) == 0) {
        block(SIG_BLOCK, SIGUSR2);
        usleep(100);
        siglongjmp(out, 1);
    }
    usleep(100);
    expect(!blocked(SIGUSR2));
    if (sigsetjmp(out, 0) == 0) {
        block(SIG_BLOCK, SIGUSR2);
        siglongjmp(out, 1);
    }
    usleep(100);
    expect(blocked(SIGUSR2));
    block(SIG_UNBLOCK, SIGUSR2);
}

static void *jumps(void *argument)
{
    stack_t stack = {.ss_size = 64 << 10};
    if (index_of(argument) % 2) {
        stack.ss_sp = malloc(stack.ss_size);
        must_sys(sigaltstack(&stack, NULL));
    }
    for (int i = 0; i < ROUNDS; i++) {
        handled = inner_jumps = 0;
        out_of_handlers();
        expect(handled == 4 && inner_jumps == 1);
        without_handlers();
    }
    if (stack.ss_sp) {
        stack_t none = {.ss_flags = SS_DISABLE};
        must_sys(sigaltstack(&none, NULL));
        free(stack.ss_sp);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    start_many(threads, THREADS, jumps);
    jumps(NULL);
    join_many(threads, THREADS);
    return finished();
}
