/* SPDX-License-Identifier: MIT */
/* The end of a thread in POSIX's order: clean-up handlers, then keys, again while they set values, four times at
 * most; keys deleted meanwhile; values set in handlers; the same for cancelled threads and for those that call
 * pthread_exit in a destructor's vicinity. */
#include <limits.h>

#include "check.h"

static pthread_key_t first, second, stubborn, dead;
static int rounds;

static void destroy_first(void *argument)
{
    say("first %s\n", (char *)argument);
    must(pthread_setspecific(second, "set by first"));
}

static void destroy_second(void *argument)
{
    say("second %s, first now %s\n", (char *)argument, pthread_getspecific(first) ? "set" : "unset");
}

static void destroy_stubborn(void *argument)
{
    rounds++;
    must(pthread_setspecific(stubborn, argument));
}

static void destroy_dead(void *argument)
{
    say("never: %s\n", (char *)argument);
}

static void clean_up(void *argument)
{
    say("clean-up %s\n", (char *)argument);
    must(pthread_setspecific(first, "set by handler"));
}

static void *ends(void *argument)
{
    int way = index_of(argument);
    must(pthread_setspecific(stubborn, "value"));
    must(pthread_setspecific(dead, "value"));
    must(pthread_key_delete(dead));
    pthread_cleanup_push(clean_up, "runs");
    if (way == 0)
        pthread_exit(NULL);
    if (way == 1) {
        must(pthread_cancel(pthread_self()));
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

int main(void)
{
    must(pthread_key_create(&first, destroy_first));
    must(pthread_key_create(&second, destroy_second));
    must(pthread_key_create(&stubborn, destroy_stubborn));
    for (int way = 0; way < 3; way++) {
        must(pthread_key_create(&dead, destroy_dead));
        rounds = 0;
        join(start(ends, (void *)(intptr_t)way));
        say("way %d: rounds %d\n", way, rounds == PTHREAD_DESTRUCTOR_ITERATIONS);
    }
    return finished();
}
