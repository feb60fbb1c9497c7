/* SPDX-License-Identifier: MIT */
/* A stack overflow in a thread kills the process by SIGSEGV, and nothing else is overwritten. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static volatile int depth_wanted = 1 << 30;

static int recurse(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    return depth < depth_wanted ? recurse(depth + 1) + frame[0] : 0;
}

static void *overflows(void *argument)
{
    return (void *)(intptr_t)(recurse(0) + index_of(argument));
}

static void in_child(size_t stack_size)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        pthread_attr_t attr;
        pthread_t thread;
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        must(pthread_attr_init(&attr));
        must(pthread_attr_setstacksize(&attr, stack_size));
        must(pthread_create(&thread, &attr, overflows, NULL));
        join(thread);
        _exit(0);
    }
    must_sys(waitpid(child, &status, 0));
    say("stack %zu: signal %d\n", stack_size, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int main(void)
{
    in_child(32 << 10);
    in_child(64 << 10);
    in_child(1 << 20);
    in_child(8 << 20);
    return finished();
}
