/* SPDX-License-Identifier: MIT */
/* Threads made, joined and waited for before main and after it: in a constructor, in atexit, in
 * a destructor. */
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void *counts(void *argument)
{
    usleep(500);
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
    return argument;
}

static void use_threads(const char *where)
{
    pthread_t threads[10];
    start_many(threads, 10, counts);
    join_many(threads, 10);
    say("%s: %d\n", where, counter);
}

__attribute__((constructor)) static void before_main(void)
{
    use_threads("constructor");
}

__attribute__((destructor)) static void after_main(void)
{
    use_threads("destructor");
}

static void at_exit(void)
{
    use_threads("atexit");
}

int main(void)
{
    atexit(at_exit);
    use_threads("main");
    return 4;
}
