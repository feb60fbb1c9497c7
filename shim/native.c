/* SPDX-License-Identifier: MIT */
/*
 * Which threads are left native: those that cannot be coroutines, and those that the user names in
 * UNTHREAD_NATIVE_THREADS by their start routine, its object, or the name that they are given. A
 * name comes when the thread runs already, as a coroutine: it stays one, but with a
 * kernel thread for itself alone.
 */
#include "native.h"

#include "alone.h"
#include "config.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

static bool matches(const char *word)
{
    char pattern[256];
    for (const char *from = ut_config.native_threads; word && from && *from;) {
        size_t length = strcspn(from, ",");
        if (length < sizeof pattern) {
            memcpy(pattern, from, length);
            pattern[length] = '\0';
            if (fnmatch(pattern, word, 0) == 0)
                return true;
        }
        from += length + (from[length] == ',');
    }
    return false;
}

static bool must_be_native(const pthread_attr_t *attributes)
{
    void *stack = NULL;
    size_t size;
    int inherit, policy = SCHED_OTHER;
    /* glibc keeps the stack's end, NULL if none was set, and subtracts the size from it. */
    if (pthread_attr_getstack(attributes, &stack, &size) == 0 && (uintptr_t)stack + size)
        return true; /* the program's own stack */
    if (pthread_attr_getinheritsched(attributes, &inherit) == 0 &&
        inherit == PTHREAD_EXPLICIT_SCHED)
        pthread_attr_getschedpolicy(attributes, &policy);
    return policy != SCHED_OTHER; /* only a kernel thread can have a scheduling class */
}

bool ut_native_from_birth(const pthread_attr_t *attributes, void *(*start)(void *))
{
    Dl_info info;
    if (attributes && must_be_native(attributes))
        return true;
    if (ut_tls.coro && ut_is_altered(ut_tls.coro))
        return true;
    return ut_config.native_threads && dladdr((void *)start, &info) &&
           (matches(info.dli_sname) || matches(info.dli_fname));
}

void ut_native_named(struct ut_coro *coro)
{
    char name[sizeof coro->name];
    if (!ut_config.native_threads)
        return;
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    memcpy(name, coro->name, sizeof name);
    ut_lock_release(&coro->lock);
    ut_critical_end();
    if (matches(name))
        ut_native_bind(coro);
}

void ut_native_bind(struct ut_coro *coro)
{
    if (coro == ut_tls.coro && coro->bound)
        return;
    ut_critical_begin();
    ut_sched_bind(coro);
    if (coro == ut_tls.coro)
        ut_sched_yield(coro); /* and comes back on a kernel thread of its own */
    ut_critical_end();
}
