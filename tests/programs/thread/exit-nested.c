/* SPDX-License-Identifier: MIT */
/* pthread_exit from nested frames runs the clean-up handlers, last pushed first, then the keys. */
#include "check.h"

static pthread_key_t key;
static volatile bool exits = true;

static void clean_up(void *what)
{
    say("clean-up %s\n", (const char *)what);
}

static void destroy(void *value)
{
    say("key %s\n", (const char *)value);
}

static void inner(int depth)
{
    static const char *const names[] = {"zero", "one", "two", "three", "four"};
    pthread_cleanup_push(clean_up, (void *)names[depth]);
    if (depth > 0)
        inner(depth - 1);
    else if (exits)
        pthread_exit((void *)"the value");
    pthread_cleanup_pop(1);
}

static void *routine(void *argument)
{
    (void)argument;
    must(pthread_setspecific(key, "destroyed"));
    pthread_cleanup_push(clean_up, (void *)"popped and run");
    pthread_cleanup_pop(1);
    pthread_cleanup_push(clean_up, (void *)"popped and not run");
    pthread_cleanup_pop(0);
    inner(4);
    say("not reached\n");
    return NULL;
}

int main(void)
{
    must(pthread_key_create(&key, destroy));
    say("%s\n", (const char *)join(start(routine, NULL)));
    return finished();
}
