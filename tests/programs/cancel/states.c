/* SPDX-License-Identifier: MIT */
/* Disabled cancellation waits until it is enabled; a thread is cancelled before its first
 * cancellation point, or not at all; the old states are returned; the errors. */
#include "check.h"

static int pipes[2];
static pthread_barrier_t step;
static bool went_on, was_disabled;

static void clean_up(void *argument)
{
    say("clean-up %s\n", (char *)argument);
}

static void *disables(void *argument)
{
    char byte;
    int old;
    show(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    say("was enabled %d\n", old == PTHREAD_CANCEL_ENABLE);
    pthread_cleanup_push(clean_up, "at last");
    pthread_barrier_wait(&step);
    show_sys(read(pipes[0], &byte, 1));
    pthread_testcancel();
    usleep(1000);
    say("still here\n");
    /* From here on printing would be a cancellation point. */
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
    was_disabled = old == PTHREAD_CANCEL_DISABLE;
    pthread_testcancel();
    say("not reached\n");
    pthread_cleanup_pop(0);
    return argument;
}

static void *never_reaches_a_point(void *argument)
{
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    return argument;
}

static void *is_cancelled_early(void *argument)
{
    char byte;
    pthread_cleanup_push(clean_up, "early");
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    /* Pending by now: even a call that would not block is a cancellation point. */
    read(pipes[0], &byte, 1);
    pthread_cleanup_pop(0);
    return argument;
}

static void *reads(void *argument)
{
    char byte;
    read(pipes[0], &byte, 1);
    return argument;
}

static void *cancels_itself(void *argument)
{
    int old;
    show(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old));
    say("was deferred %d\n", old == PTHREAD_CANCEL_DEFERRED);
    show(pthread_setcancelstate(77, NULL));
    show(pthread_setcanceltype(77, NULL));
    /* Printing would be a cancellation point. */
    must(pthread_cancel(pthread_self()));
    went_on = true;
    pthread_testcancel();
    went_on = false;
    return argument;
}

static const char *result_word(void *result)
{
    return result == PTHREAD_CANCELED ? "canceled" : "returned";
}

int main(void)
{
    must_sys(pipe(pipes));
    must(pthread_barrier_init(&step, NULL, 2));
    pthread_t thread = start(disables, NULL);
    pthread_barrier_wait(&step);
    must(pthread_cancel(thread));
    settle();
    must_sys(write(pipes[1], "x", 1));
    say("%s\n", result_word(join(thread)));
    say("was disabled %d\n", was_disabled);

    thread = start(never_reaches_a_point, NULL);
    pthread_barrier_wait(&step);
    must(pthread_cancel(thread));
    pthread_barrier_wait(&step);
    say("%s\n", result_word(join(thread)));

    must_sys(write(pipes[1], "x", 1));
    thread = start(is_cancelled_early, NULL);
    pthread_barrier_wait(&step);
    must(pthread_cancel(thread));
    pthread_barrier_wait(&step);
    say("%s\n", result_word(join(thread)));
    char byte;
    show_sys(read(pipes[0], &byte, 1));

    for (int i = 0; i < 50; i++) {
        thread = start(reads, NULL);
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
    }
    say("%s\n", result_word(join(start(cancels_itself, NULL))));
    say("went on %d\n", went_on);
    return finished();
}
