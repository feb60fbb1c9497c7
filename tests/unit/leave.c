/* SPDX-License-Identifier: MIT */
#include "leave.h"

#include "clock.h"
#include "engine.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <string.h>

/* One lane, and all of them in its queue: whoever leaves goes straight to the next one. */

enum { TURNS = 500, WAITS = 20000, ENDING = 2000 };

static char turns[2 * TURNS + 1];
static unsigned turn_count;
static _Atomic bool stop;
static _Atomic unsigned yielders;

static void *write_and_yield(void *letter)
{
    engine_yield(); /* until the other one is there, too */
    for (int i = 0; i < TURNS; i++) {
        turns[turn_count++] = (char)(intptr_t)letter;
        engine_yield();
    }
    return NULL;
}

static void *launch_two(void *unused)
{
    struct ut_coro *a = engine_launch(write_and_yield, (void *)'a');
    struct ut_coro *b = engine_launch(write_and_yield, (void *)'b');
    engine_join(a);
    engine_join(b);
    return unused;
}

Test(leave, two_that_yield_take_turns, .timeout = 30)
{
    engine_start(1);
    engine_run(launch_two, NULL);
    cr_assert_eq(turn_count, 2 * TURNS);
    /* Which comes first is nobody's promise; from when both are there they alternate. (When shaken
     * they go by the global queue, of which a lane takes several at a time.) */
    for (int i = 2; !ut_shake_moves() && i < 2 * TURNS - 2; i++)
        cr_assert_neq(turns[i], turns[i + 1], "twice in a row at %d: %.20s", i, &turns[i]);
}

static void *keep_yielding(void *unused)
{
    atomic_fetch_add(&yielders, 1);
    while (!atomic_load(&stop))
        engine_yield();
    return unused;
}

static struct ut_coro *_Atomic waiter;
static _Atomic uint64_t published;

static void *wait_again_and_again(void *unused)
{
    struct ut_coro *self = ut_tls.coro;
    for (int i = 0; i < WAITS; i++) {
        ut_critical_begin();
        uint64_t ticket = ut_wait_begin(self);
        atomic_store(&waiter, self);
        atomic_store(&published, ticket);
        must(ut_wait_suspend(self, "test", UT_FOREVER) == UT_WAIT_WOKEN);
        ut_critical_end();
    }
    return unused;
}

/* From another kernel thread, as soon as there is a wait: before, while or after it leaves. */
static void *end_each_wait(void *unused)
{
    for (int i = 0; i < WAITS; i++) {
        uint64_t ticket;
        until((ticket = atomic_exchange(&published, 0)));
        ut_critical_begin();
        must(ut_wait_end(atomic_load(&waiter), ticket, UT_WAIT_WOKEN));
        ut_critical_end();
    }
    return unused;
}

Test(leave, a_wait_that_ends_on_the_way_is_not_lost, .timeout = 60)
{
    pthread_t ender;
    engine_start(1);
    struct ut_coro *other = engine_launch(keep_yielding, NULL);
    struct ut_coro *waits = engine_launch(wait_again_and_again, NULL);
    cr_assert_eq(pthread_create(&ender, NULL, end_each_wait, NULL), 0);
    engine_join(waits);
    pthread_join(ender, NULL);
    atomic_store(&stop, true);
    engine_join(other);
}

static void *return_it(void *argument)
{
    return argument;
}

/* A native thread's creations come by the global queue. */
Test(leave, the_carrier_looks_further_now_and_then, .timeout = 60)
{
    engine_start(1);
    struct ut_coro *first = engine_launch(keep_yielding, NULL);
    struct ut_coro *second = engine_launch(keep_yielding, NULL);
    until(atomic_load(&yielders) == 2);
    for (intptr_t i = 1; i <= 100; i++)
        cr_assert_eq(engine_run(return_it, (void *)i), (void *)i);
    atomic_store(&stop, true);
    engine_join(first);
    engine_join(second);
}

static void *launch_many(void *unused)
{
    static struct ut_coro *all[ENDING];
    for (intptr_t i = 0; i < ENDING; i++)
        all[i] = engine_launch(return_it, (void *)(i + 1));
    for (intptr_t i = 0; i < ENDING; i++)
        must(engine_join(all[i]) == (void *)(i + 1));
    return unused;
}

Test(leave, who_has_ended_is_finished_by_the_next, .timeout = 60)
{
    engine_start(1);
    struct ut_coro *other = engine_launch(keep_yielding, NULL);
    engine_run(launch_many, NULL);
    engine_run(launch_many, NULL); /* on the same coroutines */
    atomic_store(&stop, true);
    engine_join(other);
}

static void *yield_alone(void *ticks)
{
    uint32_t before = atomic_load(&ut_lanes[0].ticks);
    for (int i = 0; i < TURNS; i++)
        engine_yield();
    *(uint32_t *)ticks = atomic_load(&ut_lanes[0].ticks) - before;
    return NULL;
}

/* The monitor must see that it does not compute. */
Test(leave, a_yield_with_nobody_else_counts_as_one, .timeout = 30)
{
    uint32_t ticks = 0;
    engine_start(1);
    engine_run(yield_alone, &ticks);
    cr_assert_geq(ticks, TURNS);
}

/* Who makes a thread and waits for it wakes no other lane, once that has proved to be of no use. */
static void *create_and_join(void *unused)
{
    for (intptr_t i = 1; i <= TURNS; i++)
        must(engine_run(return_it, (void *)i) == (void *)i);
    must(ut_tls.coro->waits_for_own == UT_CORO_WAITS_FOR_OWN);
    return unused;
}

Test(leave, a_creator_learns_that_it_waits_for_its_own, .timeout = 30)
{
    engine_start(1);
    engine_run(create_and_join, NULL);
}
