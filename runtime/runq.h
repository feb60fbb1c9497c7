/* SPDX-License-Identifier: MIT */
/*
 * Run queues. Each lane has a ring that only its owner fills; the owner and thieves take from the
 * other end. What does not fit goes to the global queue, which also takes what threads without a
 * lane make runnable.
 *
 *              | push          | pop           | steal
 *   -----------+---------------+---------------+--------------------------------------------
 *   push       | owner only    | owner only    | release of tail / acquire of tail in steal
 *   pop        |               | owner only    | compare-and-swap of head decides
 *   steal      |               |               | compare-and-swap of head decides
 */
#ifndef UT_RUNQ_H
#define UT_RUNQ_H

#include "lock.h"

#include <stdatomic.h>
#include <stdbool.h>

struct ut_coro;

enum { UT_RUNQ_SLOTS = 256 };

struct ut_runq {
    _Atomic uint32_t head; /* advanced by owner and thieves, by compare-and-swap */
    _Atomic uint32_t tail; /* advanced by the owner */
    _Atomic(struct ut_coro *) next; /* runs before the ring: the one that was just made ready */
    _Atomic bool next_is_fair_game; /* the monitor lets thieves have it, too */
    _Atomic(struct ut_coro *) ring[UT_RUNQ_SLOTS];
};

/* A list through coro->next, with its ends. */
struct ut_runq_list {
    struct ut_coro *first, *last;
    unsigned length;
};

void ut_runq_append(struct ut_runq_list *list, struct ut_coro *coro);

/* Owner only. Append; what overflows goes to the global queue. */
void ut_runq_push(struct ut_runq *queue, struct ut_coro *coro);

/* Owner only. Run CORO first; who was to run first is appended. True if there was such a one. */
bool ut_runq_push_next(struct ut_runq *queue, struct ut_coro *coro);

/* Owner only. */
struct ut_coro *ut_runq_pop(struct ut_runq *queue);

/* Any context. Passes over the one that is to run next: there may always be one. */
struct ut_coro *ut_runq_pop_oldest(struct ut_runq *queue);

/* Take half of VICTIM's ring into THIEF's (which the caller owns) and return one of them. */
struct ut_coro *ut_runq_steal(struct ut_runq *thief, struct ut_runq *victim);

bool ut_runq_is_empty(struct ut_runq *queue);

/* The global queue. Any context. */
void ut_runq_global_push(struct ut_runq_list list);
unsigned ut_runq_global_length(void);

/*
 * Owner of QUEUE only: take up to MOST from the global queue, return the first of them. For one,
 * QUEUE may be NULL.
 */
struct ut_coro *ut_runq_global_pop(struct ut_runq *queue, unsigned most);

/* In a forked child. */
void ut_runq_forked(void);

#endif
