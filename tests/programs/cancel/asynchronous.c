/* SPDX-License-Identifier: MIT */
/* Asynchronous cancellation of a thread that enters no cancellation point but does enter libc. */
#include "check.h"

static bool pending;

static void clean_up(void *argument)
{
    say("clean-up %s\n", (char *)argument);
}

static void *yields(void *argument)
{
    int old;
    pthread_cleanup_push(clean_up, "asynchronous");
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
    for (;;)
        sched_yield();
    pthread_cleanup_pop(0);
    return argument;
}

static void *pending_when_made_asynchronous(void *argument)
{
    must(pthread_cancel(pthread_self()));
    pending = true;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    say("not reached\n");
    return argument;
}

int main(void)
{
    pthread_t thread = start(yields, NULL);
    settle();
    must(pthread_cancel(thread));
    expect(join(thread) == PTHREAD_CANCELED);
    expect(join(start(pending_when_made_asynchronous, NULL)) == PTHREAD_CANCELED);
    say("was pending %d\n", pending);
    return finished();
}
