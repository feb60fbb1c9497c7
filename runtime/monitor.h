/* SPDX-License-Identifier: MIT */
/* The monitor: a thread that sees to it that no lane is stuck behind a carrier. */
#ifndef UT_MONITOR_H
#define UT_MONITOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Start it. 0 or -errno. */
int ut_monitor_start(void);

/* Wake it at once: a lane has opened, or signals are to be looked at. Any context. */
void ut_monitor_call(void);

/* Have the account printed, by a thread made for it. Any context, also in a signal handler. */
void ut_monitor_summarise(void);

/* Signals (bits) that it accepts besides what some coroutine would take; set before its start. */
extern uint64_t ut_monitor_accepts;

/* Does it still let in one of SIGNALS (bits), which no coroutine takes by now? Any context. */
bool ut_monitor_admits(uint64_t signals);

/* True while it sleeps without end because nothing runs; read by ut_monitor_watch only. */
extern _Atomic bool ut_monitor_sleeps;

/* A coroutine is about to run, its lane is open: have the monitor look. */
static inline void ut_monitor_watch(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&ut_monitor_sleeps, memory_order_relaxed), 0))
        ut_monitor_call();
}

/* In a forked child. */
void ut_monitor_forked(void);

#endif
