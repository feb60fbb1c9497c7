/* SPDX-License-Identifier: MIT */
/* Changes of state and type with a cancellation that is pending or comes later: who is deferred
 * again goes on; who is asynchronous and enabled is cancelled there and then, also by itself, also
 * inside a handler for a signal. */
#include <signal.h>

#include "check.h"

static const char *volatile last;
static volatile sig_atomic_t in_handler;

static void clean_up(void *argument)
{
    (void)argument;
    say("clean-up after %s\n", last);
}

static void set_state(int state)
{
    must(pthread_setcancelstate(state, NULL));
}

static void set_type(int type)
{
    must(pthread_setcanceltype(type, NULL));
}

static void enabled_last(void)
{
    set_state(PTHREAD_CANCEL_DISABLE);
    must(pthread_cancel(pthread_self()));
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    pthread_testcancel();
    last = "the type";
    set_state(PTHREAD_CANCEL_ENABLE);
    last = "the state";
}

static void type_last(void)
{
    set_state(PTHREAD_CANCEL_DISABLE);
    must(pthread_cancel(pthread_self()));
    set_state(PTHREAD_CANCEL_ENABLE);
    last = "the state";
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    last = "the type";
}

static void by_itself(void)
{
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    last = "becoming asynchronous";
    pthread_cancel(pthread_self());
    last = "pthread_cancel";
}

static void deferred_again(void)
{
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    set_type(PTHREAD_CANCEL_DEFERRED);
    must(pthread_cancel(pthread_self()));
    for (volatile int i = 0; i < 1000000; i++)
        ;
    sched_yield();
    last = "computing";
    pthread_testcancel();
    last = "pthread_testcancel";
}

static void disabled_again(void)
{
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    set_state(PTHREAD_CANCEL_DISABLE);
    must(pthread_cancel(pthread_self()));
    sched_yield();
    last = "sched_yield";
    set_type(PTHREAD_CANCEL_DEFERRED);
    set_state(PTHREAD_CANCEL_ENABLE);
    last = "enabling";
    sched_yield();
    pthread_testcancel();
    last = "pthread_testcancel";
}

static void handle(int number)
{
    (void)number;
    pthread_cancel(pthread_self());
    last = "pthread_cancel in a handler";
    if (in_handler == 1)
        pthread_testcancel();
    if (in_handler == 2)
        set_type(PTHREAD_CANCEL_ASYNCHRONOUS);
    last = "the handler's end";
}

static void in_a_handler(void)
{
    in_handler = 1;
    raise(SIGUSR1);
    last = "raise";
}

static void asynchronous_in_a_handler(void)
{
    in_handler = 2;
    raise(SIGUSR1);
    last = "raise";
}

static void after_a_handler(void)
{
    in_handler = 3;
    raise(SIGUSR1);
    last = "raise";
    pthread_testcancel();
    last = "pthread_testcancel";
}

static void (*const changes[])(void) = {
    enabled_last,
    type_last,
    by_itself,
    deferred_again,
    disabled_again,
    in_a_handler,
    asynchronous_in_a_handler,
    after_a_handler,
};

static void *routine(void *argument)
{
    last = "the start";
    pthread_cleanup_push(clean_up, NULL);
    changes[index_of(argument)]();
    say("not reached: %d\n", index_of(argument));
    pthread_cleanup_pop(0);
    return NULL;
}

/* glibc 2.36 forgets to set the result when pthread_setcancelstate acts. */
int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect(join(start(routine, (void *)i)) == PTHREAD_CANCELED || changes[i] == enabled_last);
    return finished();
}
