/* SPDX-License-Identifier: MIT */
/* pthread_setattr_default_np decides what threads without an attribute get. */
#include "check.h"

static void *routine(void *argument)
{
    pthread_attr_t attr;
    size_t size;
    must(pthread_getattr_np(pthread_self(), &attr));
    must(pthread_attr_getstacksize(&attr, &size));
    must(pthread_attr_destroy(&attr));
    expect(size >= (size_t)argument && size <= (size_t)argument + (64 << 10));
    return NULL;
}

int main(void)
{
    pthread_attr_t attr;
    size_t size;
    must(pthread_getattr_default_np(&attr));
    must(pthread_attr_getstacksize(&attr, &size));
    join(start(routine, (void *)size));
    must(pthread_attr_setstacksize(&attr, 512 << 10));
    show(pthread_setattr_default_np(&attr));
    must(pthread_attr_destroy(&attr));
    join(start(routine, (void *)(512 << 10)));
    must(pthread_getattr_default_np(&attr));
    must(pthread_attr_getstacksize(&attr, &size));
    say("default is now %zu\n", size);
    must(pthread_attr_destroy(&attr));
    return finished();
}
