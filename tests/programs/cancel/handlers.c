/* SPDX-License-Identifier: MIT */
/* Clean-up handlers: their order, executed and not, nested functions, waiting within them, and
 * that keys come afterwards; by cancellation, by pthread_exit, by pop. */
#include "check.h"

static int pipes[2];
static pthread_key_t key;

static void clean_up(void *argument)
{
    say("clean-up %d\n", index_of(argument));
}

static void waits_in_it(void *argument)
{
    char byte;
    must_sys(write(pipes[1], "x", 1));
    say("waits %zd\n", read(pipes[0], &byte, 1));
    usleep(1000);
    clean_up(argument);
}

static void destroy(void *argument)
{
    say("key %s\n", (char *)argument);
}

static void inner(int way)
{
    pthread_cleanup_push(clean_up, (void *)3);
    pthread_cleanup_push(clean_up, (void *)4);
    pthread_cleanup_pop(0);
    pthread_cleanup_push(clean_up, (void *)5);
    pthread_cleanup_pop(1);
    if (way == 0)
        pthread_exit("from within");
    if (way == 1) {
        must(pthread_cancel(pthread_self()));
        pthread_testcancel();
    }
    if (way == 2) {
        int old;
        must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
        must(pthread_cancel(pthread_self()));
        say("not reached\n");
    }
    pthread_cleanup_pop(0);
}

static void *nests(void *argument)
{
    must(pthread_setspecific(key, "value"));
    pthread_cleanup_push(clean_up, (void *)1);
    pthread_cleanup_push(waits_in_it, (void *)2);
    inner(index_of(argument));
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(1);
    return "returned";
}

static void *defers(void *argument)
{
    int type;
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    pthread_cleanup_push_defer_np(clean_up, (void *)1);
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    say("deferred %d\n", type == PTHREAD_CANCEL_DEFERRED);
    pthread_cleanup_pop_restore_np(1);
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    say("asynchronous %d\n", type == PTHREAD_CANCEL_ASYNCHRONOUS);
    return argument;
}

int main(void)
{
    must_sys(pipe(pipes));
    must(pthread_key_create(&key, destroy));
    for (int way = 0; way < 4; way++) {
        void *result = join(start(nests, (void *)(intptr_t)way));
        say("way %d: %s\n", way, result == PTHREAD_CANCELED ? "canceled" : (char *)result);
    }
    join(start(defers, NULL));
    return finished();
}
