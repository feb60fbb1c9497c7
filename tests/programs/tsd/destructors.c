/* SPDX-License-Identifier: MIT */
/* Destructors of keys: run for values that are not NULL, with the value reset before, repeated
 * while they set values again, at most PTHREAD_DESTRUCTOR_ITERATIONS times. */
#include <limits.h>

#include "check.h"

static pthread_key_t plain, again, silent, stubborn;
static int iterations;

static void say_plain(void *value)
{
    expect(pthread_getspecific(plain) == NULL);
    say("plain %s\n", (const char *)value);
}

static void sets_again(void *value)
{
    say("again %s\n", (const char *)value);
    if (strcmp(value, "first") == 0)
        must(pthread_setspecific(again, "second"));
}

static void never_gives_up(void *value)
{
    iterations++;
    must(pthread_setspecific(stubborn, value));
}

static void *routine(void *argument)
{
    expect(pthread_getspecific(plain) == NULL);
    must(pthread_setspecific(plain, argument));
    must(pthread_setspecific(again, "first"));
    must(pthread_setspecific(silent, "no destructor"));
    must(pthread_setspecific(stubborn, "stubborn"));
    expect(pthread_getspecific(silent) != NULL);
    return argument;
}

int main(void)
{
    must(pthread_key_create(&plain, say_plain));
    must(pthread_key_create(&again, sets_again));
    must(pthread_key_create(&silent, NULL));
    must(pthread_key_create(&stubborn, never_gives_up));
    join(start(routine, "one"));
    say("%d iterations\n", iterations);
    expect(iterations == PTHREAD_DESTRUCTOR_ITERATIONS);
    join(start(routine, NULL));
    must(pthread_setspecific(plain, "of main: returning from main runs no destructor"));
    return finished();
}
