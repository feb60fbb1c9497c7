/* SPDX-License-Identifier: MIT */
/* Mutex attributes: defaults, refusals, and what they do. */
#include "check.h"

static pthread_mutexattr_t attr;

static void show_attributes(void)
{
    int type, robust, shared, protocol;
    must(pthread_mutexattr_gettype(&attr, &type));
    must(pthread_mutexattr_getrobust(&attr, &robust));
    must(pthread_mutexattr_getpshared(&attr, &shared));
    must(pthread_mutexattr_getprotocol(&attr, &protocol));
    say("type %d robust %d shared %d protocol %d\n", type, robust, shared, protocol);
}

int main(void)
{
    pthread_mutex_t lock;
    must(pthread_mutexattr_init(&attr));
    show_attributes();
    show(pthread_mutexattr_settype(&attr, 77));
    show(pthread_mutexattr_setrobust(&attr, 77));
    show(pthread_mutexattr_setpshared(&attr, 77));
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    show_attributes();
    must(pthread_mutex_init(&lock, &attr));
    show(pthread_mutex_lock(&lock));
    show(pthread_mutex_lock(&lock));
    show(pthread_mutex_destroy(&lock));
    show(pthread_mutex_unlock(&lock));
    show(pthread_mutex_consistent(&lock));
    show(pthread_mutex_destroy(&lock));
    return finished();
}
