/* SPDX-License-Identifier: MIT */
/* Destructors of keys that are cancelled, or call pthread_exit: the thread's result is another one
 * then, and glibc leaves the keys that come after; but who was cancelled or has exited before is
 * not cancelled any more. (To exit from there a second time is undefined.) */
#include "check.h"

static pthread_key_t first, second, last;
static int pipes[2];
static enum { EXITS, IS_CANCELLED, BLOCKS } way;
static pthread_barrier_t blocks;

static const char *word(void *result)
{
    return result == PTHREAD_CANCELED ? "canceled" : result ? (const char *)result : "NULL";
}

static void say_key(void *value)
{
    say("key %s\n", (const char *)value);
}

static void clean_up(void *argument)
{
    say("clean-up %s\n", (const char *)argument);
}

static void leaves(void *value)
{
    char byte;
    say("leaves %s\n", (const char *)value);
    pthread_cleanup_push(clean_up, "in a destructor");
    if (way == IS_CANCELLED) {
        must(pthread_cancel(pthread_self()));
        pthread_testcancel();
    } else if (way == BLOCKS) {
        pthread_barrier_wait(&blocks);
        read(pipes[0], &byte, 1);
    } else {
        pthread_exit("of a destructor");
    }
    say("goes on\n");
    pthread_cleanup_pop(0);
}

static void set_keys(void)
{
    must(pthread_setspecific(first, "first"));
    must(pthread_setspecific(second, "second"));
    must(pthread_setspecific(last, "last"));
}

static void *returns(void *argument)
{
    set_keys();
    return argument;
}

static void *exits(void *argument)
{
    set_keys();
    pthread_exit(argument);
}

static void *is_cancelled(void *argument)
{
    set_keys();
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return argument;
}

static void run(void *(*routine)(void *))
{
    pthread_t thread = start(routine, "of the thread");
    if (way == BLOCKS) {
        pthread_barrier_wait(&blocks);
        settle();
        must(pthread_cancel(thread));
        if (routine != returns) {
            settle();
            must_sys(write(pipes[1], "x", 1));
        }
    }
    say("%s\n\n", word(join(thread)));
}

int main(void)
{
    must_sys(pipe(pipes));
    must(pthread_barrier_init(&blocks, NULL, 2));
    must(pthread_key_create(&first, say_key));
    must(pthread_key_create(&second, leaves));
    must(pthread_key_create(&last, say_key));
    run(returns);
    for (way = IS_CANCELLED; way <= BLOCKS; way++) {
        run(returns);
        run(exits);
        run(is_cancelled);
    }
    return finished();
}
