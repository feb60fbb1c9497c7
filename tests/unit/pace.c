/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include "engine.h"
#include "fd.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <unistd.h>

static struct ut_pace pace;

static void note(enum ut_pace_course course, int times)
{
    while (times--)
        ut_pace_note(&pace, course);
}

Test(pace, two_losses_in_a_row_make_it_slow_and_one_does_not)
{
    cr_assert_not(ut_pace_is_slow(&pace));
    note(UT_PACE_KEPT, 1000);
    note(UT_PACE_LOST, 1);
    cr_assert_not(ut_pace_is_slow(&pace));
    note(UT_PACE_LOST, 1);
    cr_assert(ut_pace_is_slow(&pace));
}

Test(pace, rare_losses_never_make_it_slow)
{
    for (int i = 0; i < 1000; i++) {
        note(UT_PACE_LOST, 1);
        cr_assert_not(ut_pace_is_slow(&pace));
        note(UT_PACE_KEPT, 4);
    }
}

Test(pace, one_slow_call_in_four_keeps_it_slow)
{
    note(UT_PACE_LOST, 4);
    for (int i = 0; i < 1000; i++) {
        note(UT_PACE_LONG, 1);
        note(UT_PACE_QUICK, 3);
        cr_assert(ut_pace_is_slow(&pace));
    }
}

Test(pace, nine_quick_calls_make_it_quick_again_however_long_it_was_slow)
{
    note(UT_PACE_LONG, 10000);
    note(UT_PACE_QUICK, 8);
    cr_assert(ut_pace_is_slow(&pace));
    note(UT_PACE_QUICK, 1);
    cr_assert_not(ut_pace_is_slow(&pace));
}

Test(pace, belongs_to_the_use_of_a_descriptor)
{
    int fd = dup(0);
    note(UT_PACE_LOST, 2);
    ut_pace_note(ut_fd_pace(fd), UT_PACE_LOST);
    ut_pace_note(ut_fd_pace(fd), UT_PACE_LOST);
    atomic_store(&ut_fd_pace(fd)->nowait, UT_PACE_BLIND);
    cr_assert(ut_pace_is_slow(ut_fd_pace(fd)));
    ut_fd_closing(fd);
    cr_assert_not(ut_pace_is_slow(ut_fd_pace(fd)));
    cr_assert_eq(atomic_load(&ut_fd_pace(fd)->nowait), UT_PACE_ASK);
    cr_assert_null(ut_fd_pace(-1));
}

/* With coroutines */

static unsigned long handoffs(void)
{
    return atomic_load(&ut_stats.handoffs);
}

static void call(struct ut_pace *of, useconds_t time)
{
    struct ut_pace_call this;
    ut_pace_begin(&this, of, "test");
    if (time)
        usleep(time);
    ut_pace_end(&this);
    engine_yield(); /* to have a lane again */
}

static void *call_often(void *unused)
{
    unsigned long before = handoffs();
    call(&pace, 0);
    must(handoffs() == before); /* quick, until it is known better */
    note(UT_PACE_LOST, 4);
    for (int i = 0; i < 3; i++)
        call(&pace, 1000);
    must(handoffs() == before + 3 && ut_pace_is_slow(&pace));
    for (int i = 0; i < 1000 && ut_pace_is_slow(&pace); i++)
        call(&pace, 0); /* quick, if the kernel does not take the CPU meanwhile */
    must(!ut_pace_is_slow(&pace));
    before = handoffs();
    call(&pace, 0);
    must(handoffs() == before);
    return unused;
}

Test(pace, gives_the_lane_away_while_calls_are_slow, .timeout = 30)
{
    engine_start(1);
    engine_run(call_often, NULL);
}

static void *give(void *unused)
{
    struct ut_pace_call this;
    unsigned long before = handoffs();
    for (int i = 0; i < 10; i++) {
        ut_pace_begin(&this, &pace, "test");
        ut_pace_give(&this);
        ut_pace_give(&this);
        usleep(1000);
        ut_pace_end(&this);
        engine_yield();
    }
    must(handoffs() == before + 10);
    must(!ut_pace_is_slow(&pace)); /* nothing was guessed, so nothing is learnt */
    ut_pace_begin(&this, NULL, "test");
    ut_pace_end(&this);
    return unused;
}

Test(pace, is_told_that_a_call_blocks, .timeout = 30)
{
    engine_start(1);
    engine_run(give, NULL);
}

/* Whether a call that is known to block, but is over soon, has given its lane away. */
static bool gives(void (*block)(void))
{
    struct ut_pace_call this;
    unsigned long before = handoffs();
    ut_pace_begin(&this, &pace, "test");
    ut_pace_give(&this);
    block();
    ut_pace_end(&this);
    engine_yield();
    return handoffs() > before;
}

static void not_at_all(void)
{
}

static _Atomic bool other_ran;

static void *run_once(void *unused)
{
    atomic_store(&other_ran, true);
    return unused;
}

static void until_the_other_ran(void)
{
    until(atomic_load(&other_ran));
}

static void *give_in_vain(void *unused)
{
    int calls = 0;
    while (gives(not_at_all)) /* more than twice only if the kernel takes the CPU meanwhile */
        must(++calls < 1000);
    must(calls >= 2);
    must(!gives(not_at_all));
    struct ut_coro *other = engine_launch(run_once, NULL);
    must(gives(until_the_other_ran)); /* somebody waits */
    engine_join(other);
    must(gives(not_at_all)); /* and made use of it */
    return unused;
}

Test(pace, keeps_the_lane_that_nobody_has_used, .timeout = 30)
{
    engine_start(1);
    engine_run(give_in_vain, NULL);
}

/* The monitor takes the lane of the one that blocks, because another wants to run. */

static _Atomic bool blocked_twice;

static void *block_twice(void *unused)
{
    for (int i = 0; i < 2; i++)
        call(&pace, 300000);
    atomic_store(&blocked_twice, true);
    return unused;
}

static void *run_along(void *unused)
{
    while (!atomic_load(&blocked_twice))
        engine_yield();
    return unused;
}

Test(pace, learns_from_lost_lanes, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *one = engine_launch(block_twice, NULL), *other = engine_launch(run_along, NULL);
    engine_join(one);
    engine_join(other);
    cr_assert(ut_pace_is_slow(&pace));
}
