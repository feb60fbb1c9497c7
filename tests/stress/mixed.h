/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `mixed` share: mixed.c has the threads, mixed_objects.c what they contend for,
 * mixed_foreign.c those who come from elsewhere (timers, resolver, queues, raw threads).
 */
#ifndef STRESS_MIXED_H
#define STRESS_MIXED_H

#include "stress.h"

/* Sums of one worker; all together must agree with the objects. */
struct account {
    uint64_t counted, spun, wrote, produced, consumed, piped, unpiped, rounds;
};

/* One who does rounds. Its schedule follows from the seed and its place in the table. */
struct worker {
    const char *kind;           /* and of which kind it is */
    uint32_t random;
    struct account account;
    _Atomic(const char *) at;   /* what it is doing, for the watchdog; NULL: nothing */
    _Atomic uint64_t steps;     /* changes with each operation */
};

enum { LASTING = 32, WORKERS = 64 }; /* from LASTING on: of notifications */

extern struct worker workers[WORKERS];
extern _Atomic bool stop, quiet; /* while quiet no notification does rounds */

/* A place for a notification, with the sums of who had it before; NULL if all are taken. */
struct worker *worker_enter(const char *kind);
void worker_leave(struct worker *worker);

/* Say what WORKER does next. */
void worker_at(struct worker *worker, const char *what);

void objects_make(uint32_t seed);
/* A few operations, in an order and with pauses of the worker's own. */
void objects_round(struct worker *worker);
/* At the end, when nobody works any more: CHECKs that nothing was lost or doubled. */
void objects_check(void);

/* Start all of them; end them, and wait until none is in the middle of something. */
void foreign_start(void);
void foreign_end(void);

/* Counterparts of the raw threads, until stop: a coroutine's, and a native thread's. */
void foreign_talk_by_pipes(struct worker *worker);
void foreign_talk_by_futex(struct worker *worker);
/* Make a notification due now and then, if they have been started. */
void foreign_send(struct worker *worker);

#endif
