/* SPDX-License-Identifier: MIT */
/* A stack that cannot be mapped makes pthread_create fail with EAGAIN and start nothing; a huge
 * guard can be mapped. */
#include "check.h"

static int started;

static void *routine(void *argument)
{
    started++;
    return argument;
}

int main(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    must(pthread_attr_init(&attr));
    show(pthread_attr_setstacksize(&attr, (size_t)1 << 50));
    show(pthread_create(&thread, &attr, routine, NULL));
    expect(started == 0);
    must(pthread_attr_setstacksize(&attr, 64 << 10));
    must(pthread_attr_setguardsize(&attr, (size_t)1 << 30));
    must(pthread_create(&thread, &attr, routine, NULL));
    join(thread);
    say("started %d\n", started);
    return finished();
}
