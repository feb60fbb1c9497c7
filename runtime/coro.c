/* SPDX-License-Identifier: MIT */
#include "coro.h"

#include "critical.h"
#include "leave.h"
#include "lot.h"
#include "sched.h"
#include "shake.h"
#include "sigmask.h"
#include "stack.h"
#include "stats.h"
#include "tcb.h"
#include "wait.h"

#include <errno.h>

enum { KEEP_RESIDENT = 8 * 1024 }; /* below the stack pointer of a finished thread */

void (*ut_coro_body)(struct ut_coro *coro);
void (*ut_coro_bequeath)(struct ut_coro *coro);

/*
 * Finished coroutines, guarded by their lock. The last few are taken first, and are as their threads have
 * left them: most programs make a thread soon after one has ended. Those behind have given back
 * what pages they had.
 */
static struct {
    struct ut_lock lock;
    struct ut_coro *first;
    struct ut_coro *warm[UT_CORO_WARM]; /* a ring */
    unsigned warm_end, warm_count;
} pools[UT_STACK_CLASSES];

/*
 * Where in its slot. Slots lie a large power of two apart (and a little more), so what is hot in each, the
 * coroutine, the thread control block and the top of the stack, would compete for the same few
 * sets of the caches: they are shifted by different numbers of pages, and by a few lines that
 * cost no further page.
 */
static struct ut_coro *in_slot(const struct ut_slot *slot)
{
    enum { PAGE_COLOURS = 16, LINE_COLOURS = 8, PAGE = 4096, LINE = 64 };
    uintptr_t number = (uintptr_t)slot->base / slot->size;
    uintptr_t shift = number % PAGE_COLOURS * PAGE + number / PAGE_COLOURS % LINE_COLOURS * LINE;
    uintptr_t top = (uintptr_t)slot->base + slot->size - shift;
    return (struct ut_coro *)((top - sizeof(struct ut_coro)) & ~(uintptr_t)63);
}

static struct ut_coro *take_pooled(unsigned size_class)
{
    struct ut_coro *coro;
    ut_critical_begin();
    ut_lock_acquire(&pools[size_class].lock);
    if (pools[size_class].warm_count) {
        pools[size_class].warm_count--;
        coro = pools[size_class].warm[--pools[size_class].warm_end % UT_CORO_WARM];
    } else if ((coro = pools[size_class].first)) {
        pools[size_class].first = coro->next;
    }
    ut_lock_release(&pools[size_class].lock);
    ut_critical_end();
    return coro;
}

static void put_pooled(struct ut_coro *coro)
{
    atomic_store_explicit(&coro->life, UT_CORO_POOLED, memory_order_release);
    ut_critical_begin();
    ut_lock_acquire(&pools[coro->size_class].lock);
    coro->next = pools[coro->size_class].first;
    pools[coro->size_class].first = coro;
    ut_lock_release(&pools[coro->size_class].lock);
    ut_critical_end();
}

/* Its thread has just ended. Returns the one that is not among the last few any more, or NULL. */
static struct ut_coro *put_warm(struct ut_coro *coro)
{
    struct ut_coro *cooled = NULL;
    atomic_store_explicit(&coro->life, UT_CORO_POOLED, memory_order_release);
    ut_critical_begin();
    ut_lock_acquire(&pools[coro->size_class].lock);
    unsigned place = pools[coro->size_class].warm_end++ % UT_CORO_WARM;
    if (pools[coro->size_class].warm_count == UT_CORO_WARM)
        cooled = pools[coro->size_class].warm[place];
    else
        pools[coro->size_class].warm_count++;
    pools[coro->size_class].warm[place] = coro;
    ut_lock_release(&pools[coro->size_class].lock);
    ut_critical_end();
    return cooled;
}

/* A coroutine without a thread control block yet: its handle is 0. */
static struct ut_coro *take_slot(unsigned size_class)
{
    struct ut_slot slot;
    ut_critical_begin();
    int result = ut_stack_take(size_class, &slot);
    ut_critical_end();
    if (result < 0)
        return NULL;
    struct ut_coro *coro = in_slot(&slot);
    coro->slot = slot.base;
    coro->slot_size = slot.size;
    coro->size_class = size_class;
    coro->stack = (char *)slot.base + UT_STACK_GUARD;
    coro->stack_size = (size_t)((char *)coro - (char *)coro->stack);
    atomic_init(&coro->mask, ~UINT64_C(0));
    atomic_init(&coro->wait, UT_WAIT_WOKEN); /* in no wait: nothing to interrupt */
    return coro;
}

struct ut_coro *ut_coro_obtain(size_t size, int *error)
{
    int size_class = ut_stack_class(size);
    *error = EAGAIN;
    if (size_class < 0)
        return NULL;
    struct ut_coro *coro = take_pooled((unsigned)size_class);
    if (!coro && !(coro = take_slot((unsigned)size_class)))
        return NULL;
    if (coro->handle) {
        coro->recycled = true;
        ut_tcb_rename(coro);
        ut_tcb_pardon(coro);
        ut_count(coroutines_recycled);
        return coro;
    }
    int result = ut_tcb_make(coro);
    if (result < 0) {
        *error = -result;
        put_pooled(coro); /* the slot is good for the next attempt */
        return NULL;
    }
    ut_count(coroutines_made);
    return coro;
}

struct ut_coro *ut_coro_find(pthread_t handle)
{
    struct ut_slot slot;
    if (!ut_stack_find((const void *)handle, &slot))
        return NULL;
    struct ut_coro *coro = in_slot(&slot);
    return coro->handle == handle ? coro : NULL;
}

struct ut_coro *ut_coro_next(struct ut_coro *coro)
{
    struct ut_slot slot;
    while (ut_stack_next(coro ? coro->slot : NULL, &slot)) {
        coro = in_slot(&slot);
        coro->slot = slot.base; /* also for one that is just being made */
        if (coro->handle)
            return coro;
    }
    return NULL;
}

/* The end of a thread */

/* Without the pages that a deep stack has left behind. */
static void trim(struct ut_coro *coro)
{
    uintptr_t keep = (uintptr_t)coro->context.stack_pointer - KEEP_RESIDENT;
    ut_stack_trim(coro->stack, (void *)(keep & ~(uintptr_t)4095));
}

/* Back to the pool. */
static void release(struct ut_coro *coro)
{
    if (coro->spoiled) {
        trim(coro);
        ut_count(coroutines_spoiled);
        atomic_store_explicit(&coro->life, UT_CORO_POOLED, memory_order_release);
        return; /* with its slot: glibc has the thread control block in a list */
    }
    struct ut_coro *cooled = put_warm(coro);
    if (cooled) {
        trim(cooled);
        put_pooled(cooled);
    }
}

void ut_coro_finish(struct ut_coro *coro)
{
    unsigned before = atomic_fetch_or(&coro->life, UT_CORO_FINISHED);
    ut_shake();
    if (before & UT_CORO_DETACHED)
        release(coro);
    else if (ut_lot_occupied(&coro->life))
        ut_lot_wake(&coro->life, UINT_MAX);
}

int ut_coro_detach(struct ut_coro *coro)
{
    unsigned before = atomic_load(&coro->life);
    do {
        if (before & UT_CORO_DETACHED)
            return -EINVAL;
        if (before & UT_CORO_CLAIMED)
            return 0; /* the joiner gives it back */
    } while (!atomic_compare_exchange_weak(&coro->life, &before, before | UT_CORO_DETACHED));
    ut_shake();
    if (before & UT_CORO_FINISHED)
        release(coro);
    return 0;
}

static int await_end(struct ut_coro *coro, int64_t deadline)
{
    while (!(atomic_load(&coro->life) & UT_CORO_FINISHED)) {
        struct ut_lot_waiter waiter;
        if (deadline == 0)
            return -EBUSY;
        ut_lot_enqueue(&waiter, &coro->life, 1);
        enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
        if (atomic_load(&coro->life) & UT_CORO_FINISHED)
            ut_lot_abort(&waiter);
        else
            outcome = ut_lot_wait(&waiter, "pthread_join", deadline);
        if (outcome == UT_WAIT_TIMED_OUT)
            return -ETIMEDOUT;
        if (outcome == UT_WAIT_INTERRUPTED)
            return -EINTR;
    }
    return 0;
}

int ut_coro_join(struct ut_coro *coro, void **result, int64_t deadline)
{
    unsigned before = atomic_load(&coro->life);
    do {
        if (before & (UT_CORO_DETACHED | UT_CORO_CLAIMED | UT_CORO_POOLED))
            return -EINVAL;
    } while (!atomic_compare_exchange_weak(&coro->life, &before, before | UT_CORO_CLAIMED));
    ut_shake();
    int error = await_end(coro, deadline);
    ut_shake();
    if (error) {
        atomic_fetch_and(&coro->life, ~(unsigned)UT_CORO_CLAIMED);
        return error;
    }
    if (result)
        *result = coro->result;
    release(coro);
    return 0;
}

/*
 * The life of a coroutine: one thread of the program after the other. Runs on its own stack; the
 * frames below are newborn's and glibc's start_thread, which are never returned to.
 */
void ut_coro_run(struct ut_coro *coro)
{
    ut_leave_arrive(coro); /* for the first time; later on the return from ut_sched_retire */
    for (;;) {
        if (coro->recycled)
            ut_tcb_renew();
        ut_account_begin_life(coro);
        ut_critical_end();
        ut_coro_body(coro);
        ut_critical_begin();
        ut_account_end_life(coro);
        ut_shake();
        ut_coro_set_mask(coro, ~UINT64_C(0)); /* it takes no signal any more */
        if (__builtin_expect(atomic_load(&coro->pending) != 0, 0) && ut_coro_bequeath)
            ut_coro_bequeath(coro);
        ut_tcb_abandon_robust(coro);
        ut_tcb_uncancel(coro);
        ut_sched_retire(coro);
    }
}

void ut_coro_set_mask(struct ut_coro *coro, uint64_t mask)
{
    /* Sequentially consistent: who unblocks looks at coro->pending next; who directs a signal at
     * CORO adds it there and then looks at the mask. */
    uint64_t before = atomic_exchange(&coro->mask, mask);
    if (before == mask)
        return;
    ut_sigmask_add(mask);
    ut_sigmask_remove(before);
}

void ut_coro_forked(struct ut_coro *self)
{
    for (unsigned i = 0; i < UT_STACK_CLASSES; i++) {
        pools[i].lock = (struct ut_lock){0};
        pools[i].first = NULL;
        pools[i].warm_count = 0;
    }
    if (self)
        self->handle = 0;
}
