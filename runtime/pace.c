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

enum { PENALTY = 4, SLOW = 2 * PENALTY, MOST = 4 * PENALTY };

#define LONG_TIME (50 * UT_MICROSECOND) /* what giving a lane away and getting one back may cost */

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

void ut_pace_begin(struct ut_pace_call *call, struct ut_pace *pace, const char *symbol)
{
    bool slow = pace && ut_pace_is_slow(pace);
    call->pace = pace;
    call->since = slow ? ut_clock_now() : 0;
    call->given = false;
    ut_region_begin(ut_tls.coro, symbol, slow);
}

void ut_pace_give(struct ut_pace_call *call)
{
    if (call->since || call->given)
        return;
    call->given = true;
    ut_region_give(ut_tls.coro);
}

void ut_pace_end(struct ut_pace_call *call)
{
    bool slow = call->since != 0;
    bool took_long = slow && ut_clock_now() - call->since > LONG_TIME;
    bool kept = ut_region_end(ut_tls.coro);
    if (!call->pace || call->given)
        return; /* whoever knew that it blocks needs no guess */
    ut_pace_note(call->pace, slow ? (took_long ? UT_PACE_LONG : UT_PACE_QUICK)
                                  : (kept ? UT_PACE_KEPT : UT_PACE_LOST));
}
