/* SPDX-License-Identifier: MIT */
/* A thread with a small stack is sent the next signal as soon as its handler has run for the last one: handlers
 * come one after another, never one on top of the other without end. */
#include <sched.h>
#include <signal.h>

#include "check.h"

enum { SIGNALS_SENT = 8000, FRAMES = 16 * 1024 };

static _Atomic int handled;
static _Atomic bool ready, stop;
static uintptr_t base;
static bool deep;

static void handle(int number)
{
    char here;
    (void)number;
    deep |= base - (uintptr_t)&here > FRAMES;
    handled++;
}

static void *computes(void *argument)
{
    char here;
    base = (uintptr_t)&here;
    ready = true;
    while (!stop)
        ;
    return argument;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    pthread_attr_t attributes;
    pthread_t thread;
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must(pthread_attr_init(&attributes));
    must(pthread_attr_setstacksize(&attributes, 64 * 1024));
    must(pthread_create(&thread, &attributes, computes, NULL));
    while (!ready)
        ;
    for (int i = 1; i <= SIGNALS_SENT; i++) {
        must(pthread_kill(thread, SIGUSR1));
        while (handled < i)
            sched_yield(); /* others may want the CPU: this program is one of several */
    }
    stop = true;
    join(thread);
    say("handled %d, deep %d\n", handled, deep);
    return finished();
}
