/* SPDX-License-Identifier: MIT */
#include "sched.h"

#include "clock.h"
#include "config.h"
#include "engine.h"
#include "stats.h"
#include "wait.h"

#include <criterion/criterion.h>

/* Parking and waking as the runtime's rooms do it: a place where one coroutine can be found. */
struct spot {
    struct ut_coro *coro;
    _Atomic uint64_t ticket; /* 0: nobody waits */
};

static void park_at(struct spot *spot)
{
    ut_critical_begin();
    spot->coro = ut_tls.coro;
    atomic_store(&spot->ticket, ut_wait_begin(spot->coro));
    must(ut_wait_suspend(spot->coro, "spot", UT_FOREVER) == UT_WAIT_WOKEN);
    ut_critical_end();
}

static void wake_at(struct spot *spot)
{
    ut_critical_begin();
    must(ut_wait_end(spot->coro, atomic_exchange(&spot->ticket, 0), UT_WAIT_WOKEN));
    ut_critical_end();
}

/* Order on one lane */

/*
 * One lane that is never handed over: a carrier that loses its CPU for long looks like one that
 * computes, one that makes a coroutine is blocked, and then a second one would run the others at
 * the same time.
 */
static void start_one_lane(void)
{
    ut_config.hog_ms = 60000;
    ut_config.observe = 1; /* off */
    engine_start(1);
}

static unsigned order[16];
static _Atomic unsigned order_length;

static void *note(void *number)
{
    order[atomic_fetch_add(&order_length, 1)] = (unsigned)(uintptr_t)number;
    return NULL;
}

static void *launch_five(void *unused)
{
    struct ut_coro *coros[5];
    (void)unused;
    for (uintptr_t i = 0; i < 5; i++)
        coros[i] = engine_launch(note, (void *)i);
    note((void *)100); /* the creator goes on first */
    for (int i = 0; i < 5; i++)
        engine_join(coros[i]);
    return NULL;
}

Test(sched, the_creator_goes_on_then_first_come_first_served, .timeout = 30)
{
    static const unsigned expected[] = {100, 0, 1, 2, 3, 4};
    start_one_lane();
    engine_run(launch_five, NULL);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(order[i], expected[i]);
}

static void *note_twice(void *number)
{
    note(number);
    engine_yield();
    note(number);
    return NULL;
}

static void *launch_three(void *unused)
{
    struct ut_coro *coros[3];
    (void)unused;
    for (uintptr_t i = 0; i < 3; i++)
        coros[i] = engine_launch(note_twice, (void *)i);
    for (int i = 0; i < 3; i++)
        engine_join(coros[i]);
    return NULL;
}

Test(sched, who_yields_goes_behind_all_others, .timeout = 30)
{
    static const unsigned expected[] = {0, 1, 2, 0, 1, 2};
    start_one_lane();
    engine_run(launch_three, NULL);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(order[i], expected[i]);
}

/* Crowds */

enum { CROWD = 10000 };

static struct spot crowd[CROWD];
static _Atomic unsigned passed;

static void *pass_three_times(void *spot)
{
    for (int i = 0; i < 3; i++) {
        park_at(spot);
        atomic_fetch_add(&passed, 1);
    }
    return NULL;
}

static void wake_crowd(void)
{
    for (int i = 0; i < CROWD; i++) {
        until(atomic_load(&crowd[i].ticket));
        wake_at(&crowd[i]);
    }
}

static void *wake_crowd_from_coroutine(void *unused)
{
    (void)unused;
    for (int i = 0; i < CROWD; i++) {
        while (!atomic_load(&crowd[i].ticket))
            engine_yield();
        wake_at(&crowd[i]);
    }
    return NULL;
}

static void crowd_parks_and_wakes(unsigned lanes)
{
    static struct ut_coro *coros[CROWD];
    engine_start(lanes);
    for (int i = 0; i < CROWD; i++)
        coros[i] = engine_launch(pass_three_times, &crowd[i]);
    wake_crowd();
    until(atomic_load(&passed) == CROWD);
    engine_run(wake_crowd_from_coroutine, NULL);
    until(atomic_load(&passed) == 2 * CROWD);
    /* Parked ones have no kernel thread, once the last births and hand-overs are over. */
    until(engine_kernel_threads() <= 2 * lanes + 3);
    wake_crowd();
    for (int i = 0; i < CROWD; i++)
        engine_join(coros[i]);
    cr_assert_eq(atomic_load(&passed), 3 * CROWD);
}

Test(sched, ten_thousand_park_and_wake_on_one_lane, .timeout = 120)
{
    crowd_parks_and_wakes(1);
}

Test(sched, ten_thousand_park_and_wake_on_two_lanes, .timeout = 120)
{
    crowd_parks_and_wakes(2);
}

Test(sched, ten_thousand_park_and_wake_on_more_lanes_than_cpus, .timeout = 120)
{
    crowd_parks_and_wakes(7);
}

/* A ring: each wakes the next one and parks. */

enum { RING = 50, LAPS = 2000 };

static struct spot ring[RING];

static void *run_laps(void *argument)
{
    struct spot *mine = argument, *next = mine + 1 == ring + RING ? ring : mine + 1;
    for (int i = 0; i < LAPS; i++) {
        park_at(mine);
        while (!atomic_load(&next->ticket) && !(next == ring && i + 1 == LAPS))
            engine_yield();
        if (!(next == ring && i + 1 == LAPS))
            wake_at(next);
    }
    return NULL;
}

Test(sched, a_token_goes_round, .timeout = 60)
{
    struct ut_coro *coros[RING];
    engine_start(2);
    for (int i = 0; i < RING; i++)
        coros[i] = engine_launch(run_laps, &ring[i]);
    until(atomic_load(&ring[0].ticket));
    wake_at(&ring[0]);
    for (int i = 0; i < RING; i++)
        engine_join(coros[i]);
}

/* Fairness */

static struct spot left, right;
static _Atomic bool stop;

static void *ping_pong(void *argument)
{
    struct spot *mine = argument, *other = mine == &left ? &right : &left;
    while (!atomic_load(&stop)) {
        if (atomic_load(&other->ticket))
            wake_at(other);
        park_at(mine);
    }
    if (atomic_load(&other->ticket))
        wake_at(other);
    return NULL;
}

static void *stop_them(void *unused)
{
    atomic_store(&stop, true);
    return unused;
}

static void *start_ping_pong(void *unused)
{
    struct ut_coro *coros[] = {engine_launch(ping_pong, &left), engine_launch(ping_pong, &right),
                               engine_launch(stop_them, NULL)};
    (void)unused;
    for (int i = 0; i < 3; i++)
        engine_join(coros[i]);
    return NULL;
}

/* Two that always wake each other before they park: each runs next, and the queue behind waits. */
Test(sched, two_that_wake_each_other_do_not_starve_the_rest, .timeout = 20)
{
    start_one_lane();
    engine_run(start_ping_pong, NULL);
}

static void *yield_until_stopped(void *unused)
{
    while (!atomic_load(&stop))
        engine_yield();
    return unused;
}

/* What native threads launch goes to the global queue. */
Test(sched, those_who_yield_do_not_starve_the_global_queue, .timeout = 20)
{
    struct ut_coro *coros[10];
    start_one_lane();
    for (int i = 0; i < 10; i++)
        coros[i] = engine_launch(yield_until_stopped, NULL);
    until(atomic_load(&ut_lanes[0].ticks) > 1000);
    engine_run(stop_them, NULL);
    for (int i = 0; i < 10; i++)
        engine_join(coros[i]);
}

static void *sleep_a_millisecond(void *unused)
{
    ut_critical_begin();
    ut_wait_begin(ut_tls.coro);
    must(ut_wait_suspend(ut_tls.coro, "sleep", ut_clock_now() + UT_MILLISECOND) ==
         UT_WAIT_TIMED_OUT);
    ut_critical_end();
    return stop_them(unused);
}

Test(sched, those_who_yield_do_not_starve_timers, .timeout = 20)
{
    start_one_lane();
    struct ut_coro *sleeper = engine_launch(sleep_a_millisecond, NULL);
    engine_run(yield_until_stopped, NULL);
    engine_join(sleeper);
}

/* Several lanes */

static void *see_both(void *unused)
{
    static _Atomic unsigned together;
    /* Never yields: the two can only meet on two lanes, or when the lane is handed over. */
    atomic_fetch_add(&together, 1);
    while (atomic_load(&together) < 2)
        ut_arch_relax();
    return unused;
}

static void *launch_two(void *unused)
{
    struct ut_coro *first = engine_launch(see_both, NULL), *second = engine_launch(see_both, NULL);
    engine_join(first);
    engine_join(second);
    return unused;
}

Test(sched, a_second_lane_steals, .timeout = 30)
{
    engine_start(2);
    engine_run(launch_two, NULL);
}

/* Lost wake-ups: nothing but the wake itself gets a sleeping lane going, again and again. */
Test(sched, a_sleeping_lane_is_always_woken, .timeout = 60)
{
    enum { ROUNDS = 2000 };
    struct ut_coro *coros[4];
    engine_start(2);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 4; i++)
            coros[i] = engine_launch(pass_three_times, &crowd[i]);
        for (int lap = 0; lap < 3; lap++)
            for (int i = 0; i < 4; i++) {
                until(atomic_load(&crowd[i].ticket));
                wake_at(&crowd[i]);
            }
        for (int i = 0; i < 4; i++)
            engine_join(coros[i]);
    }
    cr_assert_eq(atomic_load(&passed), ROUNDS * 4 * 3);
}

/* Deadlines set by those who have no lane are kept, too. */

static void *time_out_without_lane(void *unused)
{
    struct ut_coro *self = ut_tls.coro;
    ut_region_begin(self, "test", true); /* the lane is gone */
    ut_critical_begin();
    int64_t end = ut_clock_now() + 2 * UT_MILLISECOND;
    ut_wait_begin(self);
    must(ut_wait_suspend(self, "sleep", end) == UT_WAIT_TIMED_OUT);
    must(ut_clock_now() >= end);
    ut_critical_end();
    ut_region_end(self);
    return unused;
}

Test(sched, deadlines_without_a_lane, .timeout = 30)
{
    engine_start(2);
    for (int i = 0; i < 20; i++)
        engine_run(time_out_without_lane, NULL);
}

/* Start */

static void *nothing(void *unused)
{
    return unused;
}

Test(sched, lanes_start_as_they_are_needed, .timeout = 30)
{
    unsigned before = engine_kernel_threads();
    engine_start(4);
    cr_assert_eq(engine_kernel_threads(), before + 2, "the monitor and the maker");
    engine_run(nothing, NULL);
    until(atomic_load(&ut_stats.carriers_made) == 1);
    cr_assert_eq(engine_kernel_threads(), before + 3);
}

Test(sched, settings_may_be_read_before_the_start)
{
    cr_assert_not(ut_sched_started());
    ut_sched_kick(); /* nobody to wake */
}

/* A kernel thread of one's own */

static long kernel_thread(void)
{
    return ut_syscall0(SYS_gettid);
}

static struct spot bound_spot;

/* Parks again and again, and is always resumed on the same kernel thread. */
static void *stay(void *rounds)
{
    struct ut_coro *self = ut_tls.coro;
    ut_sched_bind(self);
    engine_yield();
    must(self->bound);
    long mine = kernel_thread();
    for (intptr_t i = 0; i < (intptr_t)rounds; i++) {
        park_at(&bound_spot);
        must(kernel_thread() == mine);
    }
    must(atomic_load(&self->carrier)->lane == NULL);
    return NULL;
}

static void *wake_it(void *rounds)
{
    for (intptr_t i = 0; i < (intptr_t)rounds; i++) {
        while (!atomic_load(&bound_spot.ticket))
            engine_yield();
        wake_at(&bound_spot);
    }
    return NULL;
}

Test(sched, a_bound_one_keeps_its_kernel_thread, .timeout = 60)
{
    engine_start(2);
    for (int i = 0; i < 20; i++) { /* recycled each time: the next one is bound anew */
        struct ut_coro *bound = engine_launch(stay, (void *)500);
        engine_run(wake_it, (void *)500);
        engine_join(bound);
        cr_assert_not(bound->bound);
    }
    cr_assert_eq(atomic_load(&ut_stats.threads_bound), 20);
}
