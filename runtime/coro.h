/* SPDX-License-Identifier: MIT */
/*
 * A coroutine: one pthread of the program. It lives at the top of its stack slot, above the
 * thread control block that glibc made there, and is never freed while its slot exists.
 */
#ifndef UT_CORO_H
#define UT_CORO_H

#include "account.h"
#include "arch.h"
#include "lock.h"
#include "timer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ut_carrier;
struct ut_cpus;
struct ut_frame;
struct ut_queued;
struct ut_tls;

enum { UT_CORO_WARM = 16 }; /* of the finished ones of a stack size keep the pages of their stacks */

enum { UT_CORO_WAITS_FOR_OWN = 3 }; /* times: then it is expected to go on so */

enum ut_coro_parking { /* whoever comes second, the switch or the waker, makes it runnable */
    UT_CORO_RUNNING,
    UT_CORO_PARKED, /* its registers are saved */
    UT_CORO_WOKEN,  /* woken before its registers were saved */
    UT_CORO_ASLEEP, /* parked, and its own kernel thread sleeps on this word */
};

/*
 * What has become of a thread; flags of one word, so that each transition is one atomic
 * operation. FINISHED is set when nothing runs on its stack any more. Whoever sets the second of
 * FINISHED and DETACHED gives the coroutine back; a joiner first sets CLAIMED.
 */
enum ut_coro_life {
    UT_CORO_DETACHED = 1,
    UT_CORO_CLAIMED = 2,
    UT_CORO_FINISHED = 4,
    UT_CORO_POOLED = 8, /* no thread of the program */
};

struct ut_coro {
    /* Part 1: switch.S reads and writes this. */
    struct ut_context context;

    /* Part 2: what every wait and every switch touches, in two lines of the cache with part 1. */
    struct ut_coro *next;                /* in one run queue or pool; owned by its owner (and
                                            written by switch.S at its birth) */
    _Atomic(struct ut_carrier *) carrier; /* who runs it; written by that carrier */
    _Atomic uint32_t parking;            /* enum ut_coro_parking */
    _Atomic uint64_t wait;               /* ticket << 8 | outcome, see wait.h */
    const char *why;                     /* what it waits for, or the region it is in */
    struct ut_tls *tls;                  /* its thread-local state, to raise tls->attention from afar */

    _Atomic uint64_t mask;               /* blocked signals, bit n - 1 for signal n, as the kernel's */
    _Atomic bool interrupted;            /* a signal or cancellation came: waits end, see wait.h */
    _Atomic bool bind;                   /* it is to get a kernel thread of its own */
    bool bound;                          /* it has one; others look at that under the lock */
    bool mask_unsure;                    /* in a handler, or one was left by siglongjmp */
    bool handled;                        /* a handler ran since the current call began */
    bool must_report;                    /* one without SA_RESTART: the call returns EINTR */
    uint8_t holds;                       /* how many short runs it takes to forget `held` */
    uint8_t waits_for_own;               /* how often in a row `launched` waited for it to leave */
    struct ut_coro *launched;            /* by it, since it last left its carrier; may be gone by now */
    stack_t alternate_stack;             /* sigaltstack(2) */
    struct ut_frame *frames;             /* what a jump out of a handler would leave half done: shim */
    uint32_t *cancel_state;              /* glibc's cancelhandling word in the TCB, or NULL */

    /* The scheduler's, too. */
    struct ut_episode held;              /* how it last held its kernel thread unannounced */
    _Atomic int64_t cpu_used, cpu_since; /* see cputime.c */
    uint16_t last_lane, refused;         /* which lane ran it, plus one; only with the setting seed */
    struct ut_timer timer;               /* deadline of the current wait */

    /* Part 3: the stack slot and the thread control block; constant. */
    void *slot;                   /* lowest address, where the guard is */
    size_t slot_size;
    void *stack;                  /* what glibc was told its stack is */
    size_t stack_size;
    unsigned size_class;
    uint32_t thread_id;           /* virtual kernel thread id, also in glibc's TCB */
    pthread_t handle;             /* glibc's name for it */
    struct robust_list_head *robust; /* glibc's list of held robust mutexes, or NULL */

    /* Part 4: the thread of the program that runs on it now; set before it is started. */
    void *(*start)(void *);
    _Atomic int64_t alive_since;  /* 0: no thread is, or there is no account */
    void *argument;
    void *result;
    uint64_t float_control;       /* rounding and exception masks that it starts with */
    bool recycled;                /* ran another thread before: its TLS must be made new */
    bool spoiled;                 /* libc's thread-local state is in pieces: for no other thread */
    _Atomic uint32_t life;        /* enum ut_coro_life, flags */
    size_t asked_size;            /* stack and guard size as the program asked for */
    size_t asked_guard;
    _Atomic uint64_t pending;     /* directed signals that have not been delivered */
    bool in_kick;                 /* in a trampoline that was not for a handler: shim */
    uint64_t mask_before;         /* the mask outside that handler */
    void *handler_frame;          /* of a handler that came at any instruction, see sched.c */
    _Atomic bool awaits_signals;  /* takes even blocked ones: it is to be woken for them */
    bool keys_begun;              /* destructors of keys have begun: C++ objects are gone: shim */
    struct ut_lock lock;          /* guards the fields below: others may set them */
    char name[16];
    struct ut_queued *queued;     /* the pending ones, oldest first: shim */
    int schedule_policy;
    struct sched_param schedule;
    bool has_cpus;                /* the thread may run on these only */
    struct ut_cpus *cpus;         /* its own memory, kept; NULL: never needed */
};

_Static_assert(offsetof(struct ut_coro, held) == 128, "coroutines lie at cache lines: see in_slot");
_Static_assert(offsetof(struct ut_coro, context) == 0 && offsetof(struct ut_coro, next) == 16,
               "struct ut_departures in arch.h relies on this layout");

/* A hint to the CPU: what is done next with CORO, wherever it is now, needs the two lines above. */
static inline void ut_coro_bring_near(const struct ut_coro *coro)
{
    __builtin_prefetch(coro, 1);
    __builtin_prefetch((const char *)coro + 64, 1);
}

/*
 * A coroutine with at least SIZE bytes of stack, from the pool or newly made; NULL with *ERROR a
 * positive errno value (EAGAIN, ENOMEM). Its thread fields are to be set before ut_sched_launch.
 * Any context; takes some 20 µs when one has to be made.
 */
struct ut_coro *ut_coro_obtain(size_t size, int *error);

/* The coroutine whose thread HANDLE names, or NULL for a native thread's. Any context, no lock. */
struct ut_coro *ut_coro_find(pthread_t handle);

/* Walk over all coroutines that were ever made: the one after CORO, or the first for NULL. */
struct ut_coro *ut_coro_next(struct ut_coro *coro);

/* The thread has ended and the stack is at rest. Carrier's stack or, if never launched, any. */
void ut_coro_finish(struct ut_coro *coro);

/* 0, or -EINVAL if it was detached before. Any context. */
int ut_coro_detach(struct ut_coro *coro);

/*
 * Wait for the thread's end, take its result and give the coroutine back. 0; -EINVAL: detached or
 * somebody else joins; -EBUSY: not ended and DEADLINE is 0; -ETIMEDOUT; -EINTR: asks for
 * attention, call again. Coroutines and native threads, in a critical section.
 */
int ut_coro_join(struct ut_coro *coro, void **result, int64_t deadline);

/* What every coroutine runs for each of its threads: set once, by the shim, before the first. */
extern void (*ut_coro_body)(struct ut_coro *coro);

/* Called when CORO takes no signal any more, with some pending. In a critical section. May be NULL. */
extern void (*ut_coro_bequeath)(struct ut_coro *coro);

/* The loop that every coroutine runs; from tcb.c only. Never returns. */
void ut_coro_run(struct ut_coro *coro);

/* Record that CORO's signal mask is MASK. Any context, also in a signal handler. */
void ut_coro_set_mask(struct ut_coro *coro, uint64_t mask);

/* In a forked child: forget all coroutines; SELF, if any, is a native thread from now on. */
void ut_coro_forked(struct ut_coro *self);

#endif
