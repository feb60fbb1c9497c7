/* SPDX-License-Identifier: MIT */
/* A thread cancels the main thread and joins it; the process goes on until that thread exits. */
#include "check.h"

static pthread_t main_thread;
static int pipes[2];

static void clean_up(void *argument)
{
    say("clean-up of main %s\n", (char *)argument);
}

static void at_exit(void)
{
    say("atexit\n");
}

static void *cancels(void *argument)
{
    void *result;
    settle();
    must(pthread_cancel(main_thread));
    must(pthread_join(main_thread, &result));
    say("main was canceled: %d\n", result == PTHREAD_CANCELED);
    (void)argument;
    exit(21);
}

int main(void)
{
    char byte;
    atexit(at_exit);
    must_sys(pipe(pipes));
    main_thread = pthread_self();
    start(cancels, NULL);
    pthread_cleanup_push(clean_up, "in read");
    read(pipes[0], &byte, 1);
    say("not reached\n");
    pthread_cleanup_pop(0);
    return 1;
}
