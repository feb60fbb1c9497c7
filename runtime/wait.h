/* SPDX-License-Identifier: MIT */
/*
 * How a coroutine waits. One wait may be ended by several parties (an event, its deadline, a
 * signal, a close); the first one decides the outcome and makes the coroutine runnable, the
 * others notice and do nothing. Each wait has a ticket, so a late party cannot end the next one.
 *
 *      ticket = ut_wait_begin(self);
 *      publish self and ticket where the wakers look
 *      outcome = ut_wait_suspend(self, "reason", deadline);
 *      take self out of where it was published, unless the waker did
 *
 * Coroutines only. Native threads wait by futex where they must wait beside coroutines (lot.h).
 */
#ifndef UT_WAIT_H
#define UT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct ut_coro;

enum ut_wait_outcome {
    UT_WAIT_PENDING,
    UT_WAIT_WOKEN,
    UT_WAIT_TIMED_OUT,
    UT_WAIT_CLOSED,      /* the descriptor was closed */
    UT_WAIT_INTERRUPTED, /* a signal or a cancellation asks for attention */
};

/* Start a wait of the calling coroutine; the ticket to publish. */
uint64_t ut_wait_begin(struct ut_coro *self);

/*
 * Leave the carrier until the wait has ended. DEADLINE is absolute, UT_FOREVER for none.
 * Called without locks and in a critical section; may return on another carrier.
 */
enum ut_wait_outcome ut_wait_suspend(struct ut_coro *self, const char *why, int64_t deadline);

/*
 * Do not wait after all: nobody can find the caller where it was published. If its wait was
 * ended by an interruption meanwhile, that is absorbed. Same conditions as ut_wait_suspend.
 */
void ut_wait_cancel(struct ut_coro *self);

/* End CORO's wait TICKET with OUTCOME. False if it had ended already. Any thread, any context. */
bool ut_wait_end(struct ut_coro *coro, uint64_t ticket, enum ut_wait_outcome outcome);

/* End whatever wait CORO is in, if any, because of a signal or cancellation. Any context. */
void ut_wait_interrupt(struct ut_coro *coro);

#endif
