/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "engine.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/*
 * Coroutines that are only just about to wait: ending their wait needs no scheduler, because
 * somebody who has not left his stack is made runnable by himself.
 */
enum { MANY = 2000, LONG_LIST = 200000 };

struct sleeper {
    struct ut_coro coro;
    struct ut_timer timer;
};

static struct ut_timers timers;
static struct sleeper sleepers[MANY];

static void begin_wait(struct sleeper *sleeper, int64_t deadline)
{
    sleeper->timer.deadline = deadline;
    sleeper->timer.coro = &sleeper->coro;
    sleeper->timer.ticket = ut_wait_begin(&sleeper->coro);
}

static bool arm(struct sleeper *sleeper, int64_t deadline)
{
    begin_wait(sleeper, deadline);
    return ut_timer_arm(&timers, &sleeper->timer);
}

static enum ut_wait_outcome outcome(struct sleeper *sleeper)
{
    return atomic_load(&sleeper->coro.wait) & 0xff;
}

static void make(void)
{
    ut_timers_init(&timers);
}

Test(timer, an_empty_heap_has_nothing_to_do, .init = make)
{
    cr_assert_eq(ut_timers_earliest(&timers), UT_FOREVER);
    cr_assert_eq(ut_timers_expire(&timers, UT_FOREVER - 1), 0);
}

Test(timer, arming_tells_who_is_first, .init = make)
{
    cr_assert(arm(&sleepers[0], 100));
    cr_assert_not(arm(&sleepers[1], 200));
    cr_assert(arm(&sleepers[2], 50));
    cr_assert_eq(ut_timers_earliest(&timers), 50);
}

Test(timer, expires_what_is_due_and_no_more, .init = make)
{
    arm(&sleepers[0], 100);
    arm(&sleepers[1], 200);
    arm(&sleepers[2], 50);
    cr_assert_eq(ut_timers_expire(&timers, 49), 0);
    cr_assert_eq(ut_timers_expire(&timers, 100), 2);
    cr_assert_eq(outcome(&sleepers[0]), UT_WAIT_TIMED_OUT);
    cr_assert_eq(outcome(&sleepers[1]), UT_WAIT_PENDING);
    cr_assert_eq(outcome(&sleepers[2]), UT_WAIT_TIMED_OUT);
    cr_assert_eq(ut_timers_earliest(&timers), 200);
    cr_assert_null(sleepers[0].timer.heap);
}

Test(timer, a_disarmed_one_does_not_fire, .init = make)
{
    for (int i = 0; i < 5; i++)
        arm(&sleepers[i], 10 * i);
    ut_timer_disarm(&sleepers[0].timer);
    ut_timer_disarm(&sleepers[3].timer);
    ut_timer_disarm(&sleepers[3].timer);
    cr_assert_eq(ut_timers_earliest(&timers), 10);
    cr_assert_eq(ut_timers_expire(&timers, 100), 3);
    cr_assert_eq(outcome(&sleepers[0]), UT_WAIT_PENDING);
    cr_assert_eq(outcome(&sleepers[3]), UT_WAIT_PENDING);
    ut_timer_disarm(&sleepers[1].timer); /* has fired: nothing happens */
}

Test(timer, a_late_one_cannot_end_the_next_wait, .init = make)
{
    arm(&sleepers[0], 10);
    ut_wait_end(&sleepers[0].coro, sleepers[0].timer.ticket, UT_WAIT_WOKEN);
    ut_wait_begin(&sleepers[0].coro);
    cr_assert_eq(ut_timers_expire(&timers, 10), 0);
    cr_assert_eq(outcome(&sleepers[0]), UT_WAIT_PENDING);
}

/* Random operations beside an array that is searched from end to end. */

static int64_t reference[MANY]; /* deadline, UT_FOREVER if not armed */

static int64_t reference_earliest(void)
{
    int64_t earliest = UT_FOREVER;
    for (int i = 0; i < MANY; i++)
        if (reference[i] < earliest)
            earliest = reference[i];
    return earliest;
}

static unsigned reference_expire(int64_t now)
{
    unsigned fired = 0;
    for (int i = 0; i < MANY; i++)
        if (reference[i] <= now) {
            cr_assert_eq(outcome(&sleepers[i]), UT_WAIT_TIMED_OUT, "timer %d", i);
            reference[i] = UT_FOREVER;
            fired++;
        }
    return fired;
}

Test(timer, agrees_with_a_plain_array, .init = make, .timeout = 60)
{
    int64_t now = 0;
    srandom(1);
    for (int i = 0; i < MANY; i++)
        reference[i] = UT_FOREVER;
    for (int step = 0; step < 50000; step++) {
        int i = (int)(random() % MANY);
        if (random() % 20 == 0) {
            now += random() % 50;
            unsigned fired = ut_timers_expire(&timers, now);
            cr_assert_eq(fired, reference_expire(now));
        } else if (reference[i] != UT_FOREVER) {
            ut_timer_disarm(&sleepers[i].timer);
            cr_assert_null(sleepers[i].timer.heap);
            reference[i] = UT_FOREVER;
        } else {
            int64_t deadline = now + random() % 1000; /* many are equal */
            cr_assert_eq(arm(&sleepers[i], deadline), deadline < reference_earliest());
            reference[i] = deadline;
        }
        cr_assert_eq(ut_timers_earliest(&timers), reference_earliest(), "step %d", step);
    }
}

static int64_t last_deadline;

/* Ascending deadlines make one list of siblings as long as there are timers. */
Test(timer, long_lists_need_no_stack, .init = make, .timeout = 60)
{
    struct sleeper *crowd = calloc(LONG_LIST, sizeof *crowd);
    for (int i = 0; i < LONG_LIST; i++)
        arm(&crowd[i], i);
    for (last_deadline = 0; last_deadline < LONG_LIST; last_deadline++) {
        cr_assert_eq(ut_timers_earliest(&timers), last_deadline);
        cr_assert_eq(ut_timers_expire(&timers, last_deadline), 1);
    }
    for (int i = LONG_LIST; i--;)
        arm(&crowd[i], i);
    cr_assert_eq(ut_timers_expire(&timers, LONG_LIST), LONG_LIST);
    free(crowd);
}

/* Disarming from other threads while they expire: each is taken out once. */

enum { DISARMERS = 3, PER_DISARMER = 500, STORMS = 200 };

static _Atomic int round_number;
static _Atomic int disarmed_all;

static void *disarm_mine(void *argument)
{
    struct sleeper *mine = argument;
    for (int round = 1; round <= STORMS; round++) {
        until(atomic_load(&round_number) >= round);
        for (int i = 0; i < PER_DISARMER; i++)
            ut_timer_disarm(&mine[i].timer);
        atomic_fetch_add(&disarmed_all, 1);
    }
    return NULL;
}

Test(timer, disarming_and_expiry_may_meet, .init = make, .timeout = 60)
{
    pthread_t threads[DISARMERS];
    for (int i = 0; i < DISARMERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, disarm_mine, &sleepers[i * PER_DISARMER]),
                     0);
    for (int round = 1; round <= STORMS; round++) {
        enum { ALL = DISARMERS * PER_DISARMER };
        for (int i = 0; i < ALL; i++)
            arm(&sleepers[i], i * 7919 % ALL);
        atomic_store(&disarmed_all, 0);
        atomic_store(&round_number, round);
        unsigned fired = 0, timed_out = 0;
        for (int now = 0; now <= ALL; now += 10)
            fired += ut_timers_expire(&timers, now);
        until(atomic_load(&disarmed_all) == DISARMERS);
        for (int i = 0; i < ALL; i++) {
            cr_assert_null(sleepers[i].timer.heap);
            timed_out += outcome(&sleepers[i]) == UT_WAIT_TIMED_OUT;
        }
        cr_assert_eq(fired, timed_out);
        cr_assert_eq(ut_timers_earliest(&timers), UT_FOREVER);
    }
    for (int i = 0; i < DISARMERS; i++)
        pthread_join(threads[i], NULL);
}
