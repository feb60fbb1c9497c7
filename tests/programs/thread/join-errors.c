/* SPDX-License-Identifier: MIT */
/* A thread that joins itself gets EDEADLK. (A second joiner's EINVAL is not tested: glibc
 * forgets the first one then, and both may wait for ever.) */
#include "check.h"

static void *joins_itself(void *argument)
{
    show(pthread_join(pthread_self(), NULL));
    struct timespec soon = deadline_on(CLOCK_REALTIME, 1000);
    show(pthread_timedjoin_np(pthread_self(), NULL, &soon));
    show(pthread_tryjoin_np(pthread_self(), NULL));
    return argument;
}

int main(void)
{
    join(start(joins_itself, NULL));
    joins_itself(NULL);
    return finished();
}
