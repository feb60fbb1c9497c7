/* SPDX-License-Identifier: MIT */
/* Blocking regions (sched.c) and the monitor that retakes lanes; all on a single lane. */
#include "monitor.h"

#include "clock.h"
#include "config.h"
#include "engine.h"
#include "fd.h"
#include "shake.h"
#include "stats.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static int gate[2]; /* a blocking pipe: who reads it holds his kernel thread */
static _Atomic bool stop;
static _Atomic unsigned ran;

static void start_with_gate(void)
{
    engine_start(1);
    cr_assert_eq(pipe2(gate, O_CLOEXEC), 0);
}

static void open_gate(void)
{
    cr_assert_eq(write(gate[1], "x", 1), 1);
}

static bool has_lane(void)
{
    ut_critical_begin();
    struct ut_lane *lane = ut_sched_claim();
    ut_sched_unclaim(lane);
    ut_critical_end();
    return lane;
}

static void *block(void *slow)
{
    char byte;
    must(has_lane());
    ut_region_begin(ut_tls.coro, "read", slow != NULL);
    must(read(gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    engine_yield();
    must(has_lane());
    return ut_tls.coro;
}

static void *count(void *unused)
{
    atomic_fetch_add(&ran, 1);
    return unused;
}

static void others_go_on_while_one_blocks(void *slow)
{
    struct ut_coro *blocked = engine_launch(block, slow);
    for (int i = 0; i < 100; i++)
        engine_run(count, NULL);
    cr_assert_not(atomic_load(&blocked->life) & UT_CORO_FINISHED);
    open_gate();
    cr_assert_eq(engine_join(blocked), blocked);
    cr_assert_eq(atomic_load(&ran), 100);
    cr_assert_eq(atomic_load(&ut_stats.regions), 1);
    cr_assert_eq(atomic_load(&ut_stats.handoffs), 1);
    cr_assert_eq(atomic_load(&ut_stats.hogs), 0);
}

Test(monitor, a_region_loses_its_lane_after_a_while, .init = start_with_gate, .timeout = 30)
{
    others_go_on_while_one_blocks(NULL);
}

Test(monitor, a_slow_region_loses_it_at_once, .init = start_with_gate, .timeout = 30)
{
    others_go_on_while_one_blocks("slow");
}

/* Where the kernel does not tell who is blocked: by the CPU time that is not used. */
Test(monitor, a_blind_one_takes_lanes_from_regions, .timeout = 30)
{
    ut_config.observe = 1; /* off */
    start_with_gate();
    others_go_on_while_one_blocks(NULL);
    cr_assert_eq(atomic_load(&ut_stats.monitor_blind), 1);
}

static void *hand_over_at_once(void *unused)
{
    ut_region_begin(ut_tls.coro, "test", true);
    must(!has_lane());
    ut_region_end(ut_tls.coro);
    engine_yield();
    must(has_lane());
    must(atomic_load(&ut_tls.coro->carrier)->region == NULL);
    must(ut_tls.critical == 0);
    return unused;
}

Test(monitor, in_a_slow_region_there_is_no_lane, .timeout = 30)
{
    engine_start(1);
    engine_run(hand_over_at_once, NULL);
    cr_assert_eq(atomic_load(&ut_stats.handoffs), 1);
}

/* As many as there are lanes go on without one when their region is over; the others wait for one. */

enum { GOING_ON = 10 };
static _Atomic int without_lane, with_lane;

static void *block_and_stay(void *slow)
{
    char byte;
    ut_region_begin(ut_tls.coro, "read", slow != NULL);
    must(read(gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    if (has_lane()) {
        atomic_fetch_add(&with_lane, 1);
        return NULL;
    }
    atomic_fetch_add(&without_lane, 1);
    until(atomic_load(&stop));
    engine_yield();
    must(has_lane());
    return NULL;
}

Test(monitor, as_many_as_lanes_go_on_without_one, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *coros[GOING_ON];
    for (int i = 0; i < GOING_ON; i++)
        coros[i] = engine_launch(block_and_stay, "slow");
    until(atomic_load(&ut_stats.handoffs) == GOING_ON);
    for (int i = 0; i < GOING_ON; i++)
        open_gate();
    until(atomic_load(&without_lane) + atomic_load(&with_lane) == GOING_ON);
    cr_assert(atomic_load(&without_lane) == 1 || ut_shake_moves(), "there is one lane");
    cr_assert_leq(atomic_load(&without_lane), 1);
    atomic_store(&stop, true);
    for (int i = 0; i < GOING_ON; i++)
        engine_join(coros[i]);
}

static int second_gate[2];
static _Atomic bool blocks_again;

static void *block_again(void *unused)
{
    char byte;
    ut_region_begin(ut_tls.coro, "read", true);
    must(read(gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    must(!has_lane() || ut_shake_moves());
    ut_region_begin(ut_tls.coro, "read", true);
    atomic_store(&blocks_again, true);
    must(read(second_gate[0], &byte, 1) == 1);
    ut_region_end(ut_tls.coro);
    return unused;
}

Test(monitor, who_blocks_again_makes_room, .init = start_with_gate, .timeout = 30)
{
    cr_assert_eq(pipe2(second_gate, O_CLOEXEC), 0);
    struct ut_coro *one = engine_launch(block_again, NULL);
    open_gate();
    until(atomic_load(&blocks_again));
    atomic_store(&stop, true);
    struct ut_coro *other = engine_launch(block_and_stay, "slow");
    open_gate();
    engine_join(other);
    cr_assert(atomic_load(&without_lane) == 1 || ut_shake_moves());
    cr_assert_eq(write(second_gate[1], "x", 1), 1);
    engine_join(one);
}

/* With many at once each holds a kernel thread, and no more than that. */
Test(monitor, many_block_at_once, .init = start_with_gate, .timeout = 60)
{
    enum { MANY = 40 };
    struct ut_coro *coros[MANY];
    for (int i = 0; i < MANY; i++)
        coros[i] = engine_launch(block, i % 2 ? "slow" : NULL);
    until(atomic_load(&ut_stats.handoffs) == MANY);
    engine_run(count, NULL);
    cr_assert_geq(engine_kernel_threads(), MANY + 1);
    for (int i = 0; i < MANY; i++)
        open_gate();
    for (int i = 0; i < MANY; i++)
        engine_join(coros[i]);
    cr_assert_leq(atomic_load(&ut_stats.carriers_made), MANY + 1);
}

/* What has no lane can do all that others can: wait, wake, launch. */
static void *live_without_lane(void *unused)
{
    struct ut_coro *self = ut_tls.coro;
    ut_region_begin(self, "test", true);
    struct ut_coro *child = engine_launch(count, "child");
    must(engine_join(child) != NULL);
    ut_region_end(self);
    return unused;
}

Test(monitor, without_a_lane_all_works, .timeout = 30)
{
    engine_start(1);
    for (int i = 0; i < 200; i++)
        engine_run(live_without_lane, NULL);
    cr_assert_eq(atomic_load(&ran), 200);
}

/* Computing */

static void *compute(void *unused)
{
    while (!atomic_load(&stop))
        ut_arch_relax();
    return unused;
}

static void *stop_it(void *unused)
{
    atomic_store(&stop, true);
    return unused;
}

Test(monitor, who_computes_loses_its_lane_to_one_that_waits, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *hog = engine_launch(compute, NULL);
    engine_run(stop_it, NULL);
    engine_join(hog);
    cr_assert_geq(atomic_load(&ut_stats.hogs), 1);
    cr_assert_eq(atomic_load(&ut_stats.handoffs), 0);
}

static void *launch_and_compute(void *unused)
{
    struct ut_coro *other = engine_launch(stop_it, NULL); /* in this lane's own queue */
    compute(NULL);
    must(engine_join(other) == NULL);
    return unused;
}

Test(monitor, the_one_that_waits_may_be_in_the_lanes_queue, .timeout = 30)
{
    engine_start(1);
    engine_run(launch_and_compute, NULL);
    cr_assert_geq(atomic_load(&ut_stats.hogs), 1);
}

static _Atomic(struct ut_coro *) parked;
static _Atomic uint64_t ticket;

static void *park_then_stop(void *unused)
{
    ut_critical_begin();
    atomic_store(&ticket, ut_wait_begin(ut_tls.coro));
    atomic_store(&parked, ut_tls.coro);
    must(ut_wait_suspend(ut_tls.coro, "test", UT_FOREVER) == UT_WAIT_WOKEN);
    ut_critical_end();
    return stop_it(unused);
}

/* Woken first and so to be run next: which the others leave alone, until the monitor looks. */
static void *wake_and_compute(void *unused)
{
    ut_critical_begin();
    must(ut_wait_end(atomic_load(&parked), atomic_load(&ticket), UT_WAIT_WOKEN));
    ut_critical_end();
    return compute(unused);
}

static void wake_and_compute_on(unsigned lanes)
{
    engine_start(lanes);
    struct ut_coro *waiter = engine_launch(park_then_stop, NULL);
    until(atomic_load(&parked) && atomic_load(&waiter->parking) == UT_CORO_PARKED);
    engine_run(wake_and_compute, NULL);
    engine_join(waiter);
}

Test(monitor, one_woken_by_who_computes_is_run, .timeout = 30)
{
    wake_and_compute_on(1);
}

Test(monitor, one_woken_by_who_computes_may_be_stolen, .timeout = 30)
{
    wake_and_compute_on(2);
}

static void *sleep_then_stop(void *unused)
{
    ut_critical_begin();
    ut_wait_begin(ut_tls.coro);
    atomic_store(&parked, ut_tls.coro);
    must(ut_wait_suspend(ut_tls.coro, "sleep", ut_clock_now() + 30 * UT_MILLISECOND) ==
         UT_WAIT_TIMED_OUT);
    ut_critical_end();
    return stop_it(unused);
}

Test(monitor, who_computes_does_not_hold_up_deadlines, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *sleeper = engine_launch(sleep_then_stop, NULL);
    until(atomic_load(&parked) && atomic_load(&sleeper->parking) == UT_CORO_PARKED);
    engine_run(compute, NULL);
    engine_join(sleeper);
}

static void *read_then_stop(void *unused)
{
    struct ut_fd_use use;
    must(ut_fd_use(&use, gate[0], UT_FD_READ));
    ut_critical_begin();
    atomic_store(&parked, ut_tls.coro);
    must(ut_fd_wait(&use, NULL, "read", UT_FOREVER) == 0);
    ut_critical_end();
    return stop_it(unused);
}

static void *note_and_compute(void *unused)
{
    atomic_fetch_add(&ran, 1);
    return compute(unused);
}

Test(monitor, who_computes_does_not_hold_up_descriptors, .init = start_with_gate, .timeout = 30)
{
    struct ut_coro *reader = engine_launch(read_then_stop, NULL);
    until(atomic_load(&parked) && atomic_load(&reader->parking) == UT_CORO_PARKED);
    struct ut_coro *hog = engine_launch(note_and_compute, NULL);
    until(atomic_load(&ran) == 1);
    open_gate();
    engine_join(hog);
    engine_join(reader);
}

static void *compute_for_fifty_milliseconds(void *unused)
{
    int64_t end = ut_clock_now() + 50 * UT_MILLISECOND;
    while (ut_clock_now() < end)
        ut_arch_relax();
    must(has_lane());
    return unused;
}

Test(monitor, who_computes_alone_is_left_alone, .timeout = 30)
{
    engine_start(1);
    engine_run(compute_for_fifty_milliseconds, NULL);
    cr_assert_eq(atomic_load(&ut_stats.hogs), 0);
}

static _Atomic bool running;

/* In the runtime for longer than the monitor stays awake, and then computes for ever. */
static void *close_and_compute(void *unused)
{
    ut_critical_begin();
    struct ut_lane *lane = ut_sched_claim();
    must(lane);
    atomic_store(&running, true);
    int64_t end = ut_clock_now() + 500 * UT_MILLISECOND;
    while (ut_clock_now() < end)
        ut_arch_relax();
    ut_sched_unclaim(lane);
    ut_critical_end();
    while (!atomic_load(&stop))
        ut_arch_relax();
    return unused;
}

Test(monitor, does_not_sleep_while_a_coroutine_is_in_the_runtime, .timeout = 20)
{
    engine_start(1);
    struct ut_coro *hog = engine_launch(close_and_compute, NULL);
    until(atomic_load(&running));
    engine_run(stop_it, NULL); /* it gets the lane only from the monitor */
    engine_join(hog);
}

/* Many short calls, each of which gives the kernel thread back at once, and never a wait. */
static void *call_again_and_again(void *unused)
{
    while (!atomic_load(&stop)) {
        ut_region_begin(ut_tls.coro, "pread", false);
        ut_region_end(ut_tls.coro);
    }
    return unused;
}

Test(monitor, short_regions_are_no_excuse, .timeout = 20)
{
    engine_start(1);
    ut_config.region_us = 1000000; /* none of them is long, however slow the machine is */
    struct ut_coro *hog = engine_launch(call_again_and_again, NULL);
    until(atomic_load(&ut_stats.regions) > 1000);
    engine_run(stop_it, NULL);
    engine_join(hog);
    cr_assert_eq(atomic_load(&ut_stats.handoffs), 0);
}

/* The monitor sleeps when nothing runs, and is there when it is needed. */
Test(monitor, it_sleeps_and_is_woken, .timeout = 60)
{
    engine_start(1);
    for (int i = 0; i < 5; i++) {
        until(atomic_load(&ut_monitor_sleeps));
        atomic_store(&stop, false);
        struct ut_coro *hog = engine_launch(compute, NULL);
        engine_run(stop_it, NULL);
        engine_join(hog);
    }
    cr_assert_geq(atomic_load(&ut_stats.hogs), 5);
}
