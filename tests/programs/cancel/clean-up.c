/* SPDX-License-Identifier: MIT */
/* Clean-up handlers: last pushed first, popped ones not at all; the type goes back with
 * pthread_cleanup_pop_restore_np; in a handler neither another cancellation nor a point acts;
 * pthread_exit in a handler changes the result. */
#include "check.h"

static int pipes[2];
static bool exited;

static const char *word(void *result)
{
    return result == PTHREAD_CANCELED ? "canceled" : result ? (const char *)result : "NULL";
}

static void clean_up(void *what)
{
    say("clean-up %s\n", (const char *)what);
}

static void *order(void *argument)
{
    pthread_cleanup_push(clean_up, "first");
    pthread_cleanup_push(clean_up, "second");
    pthread_cleanup_push(clean_up, "popped and run");
    pthread_cleanup_pop(1);
    pthread_cleanup_push(clean_up, "popped and not run");
    pthread_cleanup_pop(0);
    pthread_cleanup_push(clean_up, "third");
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return argument;
}

static void says_type(void *argument)
{
    int type;
    (void)argument;
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    say("in the handler: asynchronous %d\n", type == PTHREAD_CANCEL_ASYNCHRONOUS);
    must(pthread_setcanceltype(type, NULL));
}

static void *deferring(void *argument)
{
    int type;
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    pthread_cleanup_push_defer_np(says_type, NULL);
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    say("between: asynchronous %d\n", type == PTHREAD_CANCEL_ASYNCHRONOUS);
    pthread_cleanup_pop_restore_np(1);
    must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
    say("afterwards: asynchronous %d\n", type == PTHREAD_CANCEL_ASYNCHRONOUS);
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    pthread_cleanup_push_defer_np(says_type, NULL);
    pthread_cancel(pthread_self());
    sched_yield();
    exited = true; /* deferred here */
    pthread_cleanup_pop_restore_np(0);
    exited = false;
    return argument;
}

static void calls_points(void *argument)
{
    char byte;
    (void)argument;
    must(pthread_cancel(pthread_self()));
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    pthread_testcancel();
    show_sys(write(pipes[1], "x", 1));
    show_sys(read(pipes[0], &byte, 1));
    show_sys(usleep(1000));
}

static void *points_in_handlers(void *argument)
{
    pthread_cleanup_push(clean_up, "outside");
    pthread_cleanup_push(calls_points, NULL);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return argument;
}

static void exits(void *argument)
{
    (void)argument;
    if (exited)
        return;
    exited = true;
    pthread_exit("of the handler");
}

static void *exit_in_handler(void *argument)
{
    exited = false;
    pthread_cleanup_push(clean_up, "outside");
    pthread_cleanup_push(exits, NULL);
    if (argument)
        pthread_exit(argument);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *returns_between(void *argument)
{
    pthread_cleanup_push(exits, NULL);
    exited = false;
    pthread_cleanup_pop(1); /* not cancelled: it simply exits */
    return argument;
}

int main(void)
{
    must_sys(pipe(pipes));
    say("%s\n", word(join(start(order, NULL))));
    say("%s\n", word(join(start(deferring, NULL))));
    say("was deferred %d\n", exited);
    say("%s\n", word(join(start(points_in_handlers, NULL))));
    say("%s\n", word(join(start(exit_in_handler, NULL))));
    say("%s\n", word(join(start(exit_in_handler, "of the thread"))));
    say("%s\n", word(join(start(returns_between, NULL))));
    return finished();
}
