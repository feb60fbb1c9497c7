/* SPDX-License-Identifier: MIT */
/*
 * A level from 0 to MOST. A call that loses its lane, or takes long, adds PENALTY; one that does not
 * takes 1 away; from SLOW on lanes are given away. So two losses in a row are enough, about
 * one slow call in five keeps a descriptor slow, and nine quick ones at most make it quick again.
 */
#include "pace.h"

#include "clock.h"
#include "sched.h"
#include "tls.h"

#include <stddef.h>

enum { PENALTY = 4, SLOW = 2 * PENALTY, MOST = 4 * PENALTY, VAIN = 2 };

#define LONG_TIME (50 * UT_MICROSECOND) /* what giving a lane away and getting one back may cost */
#define VERY_LONG (500 * UT_MICROSECOND) /* then that cost does not matter, and the monitor is late */

bool ut_pace_is_slow(const struct ut_pace *pace)
{
    return atomic_load_explicit(&pace->level, memory_order_relaxed) >= SLOW;
}

void ut_pace_note(struct ut_pace *pace, enum ut_pace_course course)
{
    unsigned level = atomic_load_explicit(&pace->level, memory_order_relaxed);
    if (course == UT_PACE_LOST || course == UT_PACE_LONG)
        level = level + PENALTY < MOST ? level + PENALTY : MOST;
    else if (level)
        level--;
    else
        return; /* as nearly always: nothing to write */
    atomic_store_explicit(&pace->level, (uint8_t)level, memory_order_relaxed);
}

static bool is_in_vain(const struct ut_pace *pace)
{
    return pace && atomic_load_explicit(&pace->vain, memory_order_relaxed) >= VAIN;
}

static void note_use(struct ut_pace *pace, bool of_use)
{
    unsigned vain = atomic_load_explicit(&pace->vain, memory_order_relaxed);
    unsigned now = of_use ? 0 : vain < VAIN ? vain + 1 : VAIN;
    if (now != vain)
        atomic_store_explicit(&pace->vain, (uint8_t)now, memory_order_relaxed);
}

void ut_pace_give(struct ut_pace_call *call)
{
    if (call->since)
        return;
    call->gift = ut_region_give(ut_tls.coro, !is_in_vain(call->pace));
    if (call->gift.lane)
        call->since = ut_clock_now();
}

void ut_pace_begin(struct ut_pace_call *call, struct ut_pace *pace, const char *symbol)
{
    *call = (struct ut_pace_call){.pace = pace};
    ut_region_begin(ut_tls.coro, symbol, false);
    if (__builtin_expect(pace && ut_pace_is_slow(pace), 0)) {
        ut_pace_give(call);
        call->slow = call->since;
    }
}

void ut_pace_end(struct ut_pace_call *call)
{
    struct ut_pace *pace = call->pace;
    bool was_given = call->since != 0;
    int64_t span = was_given ? ut_clock_now() - call->since : 0;
    bool used = ut_gift_was_used(call->gift);
    bool kept = ut_region_end(ut_tls.coro);
    if (!pace)
        return;
    if (was_given || !kept)
        note_use(pace, !was_given || used || span > VERY_LONG);
    if (call->slow)
        ut_pace_note(pace, span > LONG_TIME ? UT_PACE_LONG : UT_PACE_QUICK);
    else if (!was_given) /* else it was known, and needs no guess */
        ut_pace_note(pace, kept ? UT_PACE_KEPT : UT_PACE_LOST);
}
