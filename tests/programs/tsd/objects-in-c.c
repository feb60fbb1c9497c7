/* SPDX-License-Identifier: MIT */
/* What C++ calls for its thread_local objects, called from C: last registered first called, also
 * those that destructors register; before the keys. What a destructor of a key registers is never
 * called, not even for the threads that come after. */
#include "check.h"

extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library);
extern void *__dso_handle;

static pthread_key_t key;
static int pipes[2];

static void destroy(void *object)
{
    say("destroy %s\n", (const char *)object);
}

static void register_object(void (*destructor)(void *), const char *object)
{
    expect(__cxa_thread_atexit_impl(destructor, (void *)object, &__dso_handle) == 0);
}

static void destroy_and_register(void *object)
{
    say("destroy %s, which registers\n", (const char *)object);
    register_object(destroy, "registered by a destructor");
}

static void destroy_key(void *value)
{
    say("key %s\n", (const char *)value);
    register_object(destroy, "registered by a destructor of a key");
}

static void is_cancelled(void *object)
{
    char byte;
    say("destroy %s, and is cancelled\n", (const char *)object);
    must(pthread_cancel(pthread_self()));
    read(pipes[0], &byte, 1);
    say("not reached\n");
}

static void *returns(void *argument)
{
    must(pthread_setspecific(key, "value"));
    register_object(destroy, "first");
    register_object(destroy_and_register, "second");
    register_object(destroy, "third");
    return argument;
}

static void *exits(void *argument)
{
    pthread_exit(returns(argument));
}

static void *cancelled_in_destructor(void *argument)
{
    must(pthread_setspecific(key, "value"));
    register_object(destroy, "first");
    register_object(is_cancelled, "second");
    register_object(destroy, "third");
    return argument;
}

static void *uses_nothing(void *argument)
{
    return argument;
}

int main(void)
{
    void *(*const ways[])(void *) = {returns, exits, cancelled_in_destructor, uses_nothing};
    must_sys(pipe(pipes));
    must(pthread_key_create(&key, destroy_key));
    for (int i = 0; i < 4; i++) {
        void *value = join(start(ways[i], "its value"));
        say("%s\n\n", value == PTHREAD_CANCELED ? "canceled" : (const char *)value);
    }
    return finished();
}
