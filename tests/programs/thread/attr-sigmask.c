/* SPDX-License-Identifier: MIT */
/* pthread_attr_setsigmask_np: the mask that a thread begins with, whatever its maker's is. */
#include <signal.h>

#include "check.h"

static void *shows_mask(void *argument)
{
    sigset_t set;
    must(pthread_sigmask(SIG_BLOCK, NULL, &set));
    say("%d %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
    return argument;
}

static void with(const pthread_attr_t *attributes)
{
    pthread_t thread;
    must(pthread_create(&thread, attributes, shows_mask, NULL));
    join(thread);
}

static void *makes_some(void *argument)
{
    sigset_t set;
    with(NULL);
    with(argument);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    with(NULL);
    with(argument);
    return NULL;
}

int main(void)
{
    pthread_attr_t attributes;
    sigset_t set;
    must(pthread_attr_init(&attributes));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    must(pthread_attr_setsigmask_np(&attributes, &set));
    join(start(makes_some, &attributes));
    makes_some(&attributes);
    must(pthread_attr_setsigmask_np(&attributes, NULL));
    with(&attributes);
    return finished();
}
