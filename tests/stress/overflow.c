/* SPDX-License-Identifier: MIT */
/*
 * overflow plain|handler: one thread of a hundred overflows its stack. With `handler` it has a
 * handler on an alternate stack, which exits with 42 if the address of the fault is just below
 * its own stack and if it runs as this thread, else with 43.
 */
#include "stress.h"

#include <signal.h>

enum {
    OTHERS = 99,
    BELOW = 128 * 1024, /* the guard lies here below the stack that was asked for */
};

static pthread_barrier_t together;
static pthread_t culprit;
static char *stack_low;
static int wait_pipe[2];

static void *wait_forever(void *unused)
{
    char byte;
    pthread_barrier_wait(&together);
    CHECK(read(wait_pipe[0], &byte, 1) == 1);
    return unused;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    char *address = info->si_addr, here;
    (void)context;
    bool on_alternate = &here < stack_low - BELOW || &here >= stack_low + (64 << 20);
    bool in_guard = address < stack_low + 4096 && address >= stack_low - BELOW;
    if (!in_guard)
        dprintf(2, "fault at %p, stack begins at %p\n", (void *)address, (void *)stack_low);
    _exit(signal == SIGSEGV && in_guard && on_alternate && pthread_self() == culprit ? 42 : 43);
}

static volatile int depth_wanted = 1 << 30;

__attribute__((noinline)) static int descend(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    return depth < depth_wanted ? descend(depth + 1) + frame[0] : 0;
}

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *low;
    size_t size;
    MUST(pthread_getattr_np(pthread_self(), &attributes));
    MUST(pthread_attr_getstack(&attributes, &low, &size));
    MUST(pthread_attr_destroy(&attributes));
    stack_low = low;
}

static void *overflow(void *with_handler)
{
    culprit = pthread_self();
    find_stack();
    if (with_handler) {
        stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        CHECK(alternate.ss_sp && sigaltstack(&alternate, NULL) == 0);
        CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    }
    pthread_barrier_wait(&together);
    return (void *)(long)descend(0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    bool handler = argc > 1 && strcmp(argv[1], "handler") == 0;
    CHECK(pipe(wait_pipe) == 0);
    MUST(pthread_barrier_init(&together, NULL, OTHERS + 2));
    for (int i = 0; i < OTHERS; i++) {
        if (i == OTHERS / 2)
            MUST(pthread_create(&thread, NULL, overflow, handler ? "" : NULL));
        pthread_t other;
        MUST(pthread_create(&other, NULL, wait_forever, NULL));
    }
    pthread_barrier_wait(&together);
    pthread_join(thread, NULL);
    return 0; /* it survived: `run` will not like that */
}
