/* SPDX-License-Identifier: MIT */
/* pthread_atfork: prepare handlers in reverse order, parent's and child's in order, on the
 * thread that forks. They write into a string, because parent and child run at the same time. */
#include <sys/wait.h>

#include "check.h"

static pthread_t forker;
static char record[64];

static void note(const char *what)
{
    expect(pthread_equal(forker, pthread_self()));
    strcat(record, what);
}

#define HANDLERS(n)                                                                                \
    static void prepare##n(void)                                                                   \
    {                                                                                              \
        note(" prepare" #n);                                                                       \
    }                                                                                              \
    static void parent##n(void)                                                                    \
    {                                                                                              \
        note(" parent" #n);                                                                        \
    }                                                                                              \
    static void child##n(void)                                                                     \
    {                                                                                              \
        note(" child" #n);                                                                         \
    }

HANDLERS(1)
HANDLERS(2)
HANDLERS(3)

static void *forks(void *argument)
{
    forker = pthread_self();
    record[0] = '\0';
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        say("child:%s\n", record);
        _exit(0);
    }
    must_sys(waitpid(child, NULL, 0));
    say("parent:%s\n", record);
    return argument;
}

int main(void)
{
    must(pthread_atfork(prepare1, parent1, child1));
    must(pthread_atfork(prepare2, NULL, child2));
    must(pthread_atfork(NULL, parent3, child3));
    must(pthread_atfork(prepare3, parent2, NULL));
    forks(NULL);
    join(start(forks, NULL));
    return finished();
}
