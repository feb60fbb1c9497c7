/* SPDX-License-Identifier: MIT */
#include "wait.h"

#include "clock.h"
#include "engine.h"

#include <criterion/criterion.h>

/* What a test and its coroutine tell each other. */
static _Atomic(struct ut_coro *) waiter;
static _Atomic uint64_t ticket;
static _Atomic int64_t deadline = UT_FOREVER;
static _Atomic unsigned waits;

/* Waits once; the outcome is its result. */
static void *wait_once(void *unused)
{
    (void)unused;
    struct ut_coro *self = ut_tls.coro;
    ut_critical_begin();
    atomic_store(&ticket, ut_wait_begin(self));
    atomic_store(&waiter, self);
    enum ut_wait_outcome outcome = ut_wait_suspend(self, "a test", atomic_load(&deadline));
    atomic_fetch_add(&waits, 1);
    ut_critical_end();
    return (void *)(uintptr_t)outcome;
}

static struct ut_coro *start_waiting(void)
{
    struct ut_coro *coro = engine_launch(wait_once, NULL);
    until(atomic_load(&waiter));
    return coro;
}

static enum ut_wait_outcome outcome_of(struct ut_coro *coro)
{
    return (enum ut_wait_outcome)(uintptr_t)engine_join(coro);
}

static bool end(struct ut_coro *coro, uint64_t which, enum ut_wait_outcome outcome)
{
    ut_critical_begin();
    bool ended = ut_wait_end(coro, which, outcome);
    ut_critical_end();
    return ended;
}

Test(wait, the_first_to_end_it_decides, .timeout = 30)
{
    engine_start(2);
    struct ut_coro *coro = start_waiting();
    cr_assert(end(coro, ticket, UT_WAIT_CLOSED));
    cr_assert_not(end(coro, ticket, UT_WAIT_WOKEN));
    cr_assert_not(end(coro, ticket, UT_WAIT_TIMED_OUT));
    cr_assert_eq(outcome_of(coro), UT_WAIT_CLOSED);
}

Test(wait, the_reason_is_known_while_it_waits, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = start_waiting();
    until(atomic_load(&coro->parking) == UT_CORO_PARKED);
    cr_assert_str_eq(coro->why, "a test");
    end(coro, ticket, UT_WAIT_WOKEN);
    cr_assert_eq(outcome_of(coro), UT_WAIT_WOKEN);
}

Test(wait, ends_at_its_deadline_and_not_before, .timeout = 30)
{
    engine_start(2);
    for (int i = 0; i < 20; i++) {
        atomic_store(&waiter, NULL);
        atomic_store(&deadline, ut_clock_now() + i * UT_MILLISECOND);
        cr_assert_eq(outcome_of(start_waiting()), UT_WAIT_TIMED_OUT);
        int64_t late = ut_clock_now() - atomic_load(&deadline);
        cr_assert_geq(late, 0);
        cr_assert_lt(late, 5 * UT_SECOND); /* a machine under load */
    }
}

Test(wait, a_deadline_long_past_is_a_deadline, .timeout = 30)
{
    static const int64_t past[] = {INT64_MIN, -1, 0, 1};
    engine_start(1);
    for (int i = 0; i < 4; i++) {
        atomic_store(&deadline, past[i]);
        cr_assert_eq((uintptr_t)engine_run(wait_once, NULL), UT_WAIT_TIMED_OUT);
    }
}

Test(wait, a_wake_up_disarms_the_deadline, .timeout = 30)
{
    engine_start(1);
    atomic_store(&deadline, ut_clock_now() + 3600 * UT_SECOND);
    struct ut_coro *coro = start_waiting();
    until(ut_timers_earliest(&ut_lanes[0].timers) != UT_FOREVER);
    end(coro, ticket, UT_WAIT_WOKEN);
    cr_assert_eq(outcome_of(coro), UT_WAIT_WOKEN);
    cr_assert_eq(ut_timers_earliest(&ut_lanes[0].timers), UT_FOREVER);
}

Test(wait, an_old_ticket_does_not_end_a_new_wait, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = start_waiting();
    uint64_t old = ticket;
    end(coro, old, UT_WAIT_WOKEN);
    outcome_of(coro);
    atomic_store(&waiter, NULL);
    cr_assert_eq(start_waiting(), coro, "the coroutine is used again");
    cr_assert_gt(ticket, old);
    cr_assert_not(end(coro, old, UT_WAIT_WOKEN));
    cr_assert(end(coro, ticket, UT_WAIT_WOKEN));
    outcome_of(coro);
}

Test(wait, an_interruption_ends_it, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = start_waiting();
    ut_wait_interrupt(coro);
    cr_assert_eq(outcome_of(coro), UT_WAIT_INTERRUPTED);
    ut_wait_interrupt(coro); /* in no wait: nothing happens */
}

Test(wait, one_that_was_interrupted_before_does_not_wait, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = engine_obtain(wait_once, NULL);
    atomic_store(&coro->interrupted, true);
    engine_release(coro);
    cr_assert_eq(outcome_of(coro), UT_WAIT_INTERRUPTED);
}

/* Not to wait after all, with and without somebody who interrupts meanwhile. */

static void *begin_and_cancel(void *interrupt)
{
    struct ut_coro *self = ut_tls.coro;
    for (int i = 0; i < 1000; i++) {
        ut_critical_begin();
        ut_wait_begin(self);
        if (interrupt)
            ut_wait_interrupt(self);
        ut_wait_cancel(self);
        ut_critical_end();
    }
    return "done";
}

Test(wait, may_be_cancelled, .timeout = 30)
{
    engine_start(1);
    cr_assert_str_eq(engine_run(begin_and_cancel, NULL), "done");
    cr_assert_str_eq(engine_run(begin_and_cancel, "interrupt"), "done");
}

/*
 * Many waits, each ended by three parties at once: a native thread that wakes, one that
 * interrupts, and the deadline. Every wait must end, and end once.
 */
enum { STORM = 20000 };

static _Atomic bool storm_over;
static _Atomic unsigned counts[8];

static void *storm(void *unused)
{
    struct ut_coro *self = ut_tls.coro;
    (void)unused;
    for (int i = 0; i < STORM; i++) {
        ut_critical_begin();
        atomic_store(&ticket, ut_wait_begin(self));
        int64_t end = i % 50 ? UT_FOREVER : ut_clock_now() + i % 3 * 10 * UT_MICROSECOND;
        atomic_fetch_add(&counts[ut_wait_suspend(self, "storm", end)], 1);
        ut_critical_end();
    }
    atomic_store(&storm_over, true);
    return NULL;
}

static void *wake_in_storm(void *coro)
{
    while (!atomic_load(&storm_over))
        end(coro, ticket, UT_WAIT_WOKEN);
    return NULL;
}

static void *interrupt_in_storm(void *coro)
{
    while (!atomic_load(&storm_over)) {
        ut_critical_begin();
        ut_wait_interrupt(coro);
        ut_critical_end();
    }
    return NULL;
}

Test(wait, three_parties_end_it_once, .timeout = 120)
{
    pthread_t waker, interrupter;
    engine_start(2);
    struct ut_coro *coro = engine_launch(storm, NULL);
    cr_assert_eq(pthread_create(&waker, NULL, wake_in_storm, coro), 0);
    cr_assert_eq(pthread_create(&interrupter, NULL, interrupt_in_storm, coro), 0);
    engine_join(coro);
    pthread_join(waker, NULL);
    pthread_join(interrupter, NULL);
    cr_assert_eq(counts[UT_WAIT_PENDING], 0);
    cr_assert_eq(counts[UT_WAIT_WOKEN] + counts[UT_WAIT_INTERRUPTED] + counts[UT_WAIT_TIMED_OUT],
                 STORM);
    cr_assert_gt(counts[UT_WAIT_WOKEN], 0);
}
