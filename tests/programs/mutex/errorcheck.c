/* SPDX-License-Identifier: MIT */
/* What an error-checking and a recursive mutex answer to their owner and to others. */
#include "check.h"

static pthread_mutex_t checked = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void *other(void *argument)
{
    show(pthread_mutex_unlock(&checked));
    show(pthread_mutex_trylock(&checked));
    show(pthread_mutex_unlock(&recursive));
    show(pthread_mutex_trylock(&recursive));
    return argument;
}

static void *owner(void *argument)
{
    struct timespec soon = deadline_on(CLOCK_REALTIME, 1000);
    show(pthread_mutex_lock(&checked));
    show(pthread_mutex_lock(&checked));
    show(pthread_mutex_trylock(&checked));
    show(pthread_mutex_timedlock(&checked, &soon));
    show(pthread_mutex_destroy(&checked));
    show(pthread_mutex_lock(&recursive));
    show(pthread_mutex_lock(&recursive));
    show(pthread_mutex_trylock(&recursive));
    show(pthread_mutex_timedlock(&recursive, &soon));
    for (int i = 0; i < 3; i++)
        show(pthread_mutex_unlock(&recursive));
    join(start(other, NULL));
    show(pthread_mutex_unlock(&recursive));
    show(pthread_mutex_unlock(&recursive));
    show(pthread_mutex_unlock(&checked));
    show(pthread_mutex_unlock(&checked));
    return argument;
}

int main(void)
{
    owner(NULL);
    join(start(owner, NULL));
    show(pthread_mutex_destroy(&checked));
    show(pthread_mutex_destroy(&recursive));
    return finished();
}
