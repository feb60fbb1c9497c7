/* SPDX-License-Identifier: MIT */
/* Destructors of keys that set other keys: one with a higher number has its turn in the same round,
 * a lower one in the next; four rounds at most. Keys made and deleted by destructors. */
#include "check.h"

static pthread_key_t low, high, made, deleted;
static int times, make_and_delete;

static void of_made(void *value)
{
    say("made in a destructor: %s\n", (const char *)value);
}

static void of_deleted(void *value)
{
    say("wrong: %s\n", (const char *)value);
}

static void of_low(void *value)
{
    say("low %s\n", (const char *)value);
    if (make_and_delete) {
        must(pthread_key_create(&made, of_made));
        must(pthread_setspecific(made, "value"));
        must(pthread_key_delete(deleted));
    } else {
        must(pthread_setspecific(high, "set by low"));
    }
}

static void of_high(void *value)
{
    say("high %s\n", (const char *)value);
    if (!make_and_delete && times++ < 100)
        must(pthread_setspecific(low, "set by high"));
}

static void *both(void *argument)
{
    must(pthread_setspecific(high, "first"));
    must(pthread_setspecific(low, "first"));
    return argument;
}

static void *only_high(void *argument)
{
    must(pthread_setspecific(high, "first"));
    times = 97;
    return argument;
}

static void *with_deleted(void *argument)
{
    both(argument);
    must(pthread_setspecific(deleted, "of a deleted key"));
    return argument;
}

static void *looks(void *argument)
{
    expect(!pthread_getspecific(low) && !pthread_getspecific(high));
    return argument;
}

int main(void)
{
    must(pthread_key_create(&low, of_low));
    must(pthread_key_create(&high, of_high));
    must(pthread_key_create(&deleted, of_deleted));
    expect(low < high && high < deleted);
    join(start(both, NULL));
    say("%d times\n", times);
    join(start(looks, NULL));
    join(start(only_high, NULL));
    join(start(looks, NULL));
    make_and_delete = 1;
    join(start(with_deleted, NULL));
    make_and_delete = 0;
    times = 100;
    join(start(looks, NULL));
    return finished();
}
