/* SPDX-License-Identifier: MIT */
/*
 * Turns. All who wait for any child of a set stand in one list; the first of each set leads: it alone
 * makes the call that blocks. When it leaves, for whatever reason, the next of its set leads.
 *
 * Nothing is lost: a child that ends stays a zombie until somebody takes it, and a new leader
 * looks before it waits. Who is to lead is written down under the lock and looked up there; the
 * wake-up only hastens it. So a coroutine whose wait was ended by a signal in the same moment
 * finds out, and leads or passes its turn on when it leaves.
 * It is fair: first come, first served, and who comes again goes to the end.
 */
#include "child.h"

#include "clock.h"
#include "coro.h"
#include "lock.h"
#include "tls.h"
#include "wait.h"

#include <errno.h>

static struct ut_lock lock;
static struct ut_child_turn *first, *last; /* guarded by it, with their links and LEADS */

static bool same(struct ut_child_set a, struct ut_child_set b)
{
    return a.type == b.type && a.id == b.id && a.options == b.options;
}

/* The first one who waits for SET. The caller holds the lock. */
static struct ut_child_turn *find(struct ut_child_set set)
{
    struct ut_child_turn *turn = first;
    while (turn && !same(turn->set, set))
        turn = turn->next;
    return turn;
}

void ut_child_turn_begin(struct ut_child_turn *turn, struct ut_child_set set)
{
    turn->coro = ut_tls.coro;
    turn->ticket = 0; /* none yet */
    turn->set = set;
    turn->next = NULL;
    ut_lock_acquire(&lock);
    turn->leads = !find(set);
    turn->previous = last;
    if (last)
        last->next = turn;
    else
        first = turn;
    last = turn;
    ut_lock_release(&lock);
}

int ut_child_turn_wait(struct ut_child_turn *turn, const char *why)
{
    ut_lock_acquire(&lock);
    bool leads = turn->leads;
    if (!leads)
        turn->ticket = ut_wait_begin(turn->coro);
    ut_lock_release(&lock);
    if (leads)
        return 0;
    enum ut_wait_outcome outcome = ut_wait_suspend(turn->coro, why, UT_FOREVER);
    return outcome == UT_WAIT_INTERRUPTED ? -EINTR : 0;
}

void ut_child_turn_end(struct ut_child_turn *turn)
{
    struct ut_coro *heir = NULL;
    uint64_t ticket = 0;
    ut_lock_acquire(&lock);
    if (turn->previous)
        turn->previous->next = turn->next;
    else
        first = turn->next;
    if (turn->next)
        turn->next->previous = turn->previous;
    else
        last = turn->previous;
    struct ut_child_turn *next = turn->leads ? find(turn->set) : NULL;
    if (next) {
        next->leads = true;
        heir = next->coro;
        ticket = next->ticket;
    }
    ut_lock_release(&lock);
    /* Its frame may be gone by now; the coroutine and its tickets stay. */
    if (ticket)
        ut_wait_end(heir, ticket, UT_WAIT_WOKEN);
}

void ut_child_turns_forked(void)
{
    lock = (struct ut_lock){0};
    first = last = NULL;
}
