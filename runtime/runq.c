/* SPDX-License-Identifier: MIT */
#include "runq.h"

#include "coro.h"
#include "shake.h"

#include <stddef.h>

/* Guarded by global_lock; the length may be read without. */
static struct ut_lock global_lock;
static struct ut_runq_list global;
static _Atomic unsigned global_length;

void ut_runq_append(struct ut_runq_list *list, struct ut_coro *coro)
{
    coro->next = NULL;
    if (list->last)
        list->last->next = coro;
    else
        list->first = coro;
    list->last = coro;
    list->length++;
}

void ut_runq_global_push(struct ut_runq_list list)
{
    if (!list.first)
        return;
    ut_lock_acquire(&global_lock);
    if (global.last)
        global.last->next = list.first;
    else
        global.first = list.first;
    global.last = list.last;
    global.length += list.length;
    /* Sequentially consistent: pairs with the look of a lane that is about to sleep (sched.c). */
    atomic_store(&global_length, global.length);
    ut_lock_release(&global_lock);
}

unsigned ut_runq_global_length(void)
{
    return atomic_load(&global_length);
}

struct ut_coro *ut_runq_global_pop(struct ut_runq *queue, unsigned most)
{
    if (atomic_load_explicit(&global_length, memory_order_relaxed) == 0)
        return NULL;
    ut_lock_acquire(&global_lock);
    struct ut_coro *first = global.first, *rest = first;
    if (!first) {
        ut_lock_release(&global_lock);
        return NULL;
    }
    unsigned taken = 0;
    while (rest && taken < most) {
        rest = rest->next;
        taken++;
    }
    struct ut_coro *more = first->next, *end = rest;
    global.first = rest;
    if (!rest)
        global.last = NULL;
    global.length -= taken;
    atomic_store(&global_length, global.length);
    ut_lock_release(&global_lock);

    while (more != end) {
        struct ut_coro *next = more->next;
        ut_runq_push(queue, more);
        more = next;
    }
    return first;
}

/* The ring is full: half of it and CORO go to the global queue. Owner only. */
static bool spill(struct ut_runq *queue, struct ut_coro *coro, uint32_t head)
{
    enum { HALF = UT_RUNQ_SLOTS / 2 };
    struct ut_coro *batch[HALF];
    for (uint32_t i = 0; i < HALF; i++)
        batch[i] = atomic_load_explicit(&queue->ring[(head + i) % UT_RUNQ_SLOTS],
                                        memory_order_relaxed);
    ut_shake();
    if (!atomic_compare_exchange_strong(&queue->head, &head, head + HALF))
        return false; /* a thief was here: there is room now */
    struct ut_runq_list list = {0};
    for (uint32_t i = 0; i < HALF; i++)
        ut_runq_append(&list, batch[i]);
    ut_runq_append(&list, coro);
    ut_runq_global_push(list);
    return true;
}

void ut_runq_push(struct ut_runq *queue, struct ut_coro *coro)
{
    for (;;) {
        /* Acquire: a thief that advanced the head has read the slot we are about to overwrite. */
        uint32_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
        uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
        if (tail - head < UT_RUNQ_SLOTS) {
            atomic_store_explicit(&queue->ring[tail % UT_RUNQ_SLOTS], coro, memory_order_relaxed);
            ut_shake();
            /* Pairs with ut_runq_steal's load of the tail. */
            atomic_store_explicit(&queue->tail, tail + 1, memory_order_release);
            return;
        }
        if (spill(queue, coro, head))
            return;
    }
}

bool ut_runq_push_next(struct ut_runq *queue, struct ut_coro *coro)
{
    atomic_store_explicit(&queue->next_is_fair_game, false, memory_order_relaxed);
    ut_shake();
    struct ut_coro *displaced = atomic_exchange(&queue->next, coro);
    ut_shake();
    if (displaced)
        ut_runq_push(queue, displaced);
    return displaced;
}

/*
 * CORO is the next but one: bring near what its switch and its first calls will touch. Among
 * thousands each has waited long enough for all of that to have left the caches. Its own fields
 * were needed when it was made runnable. A thief may have it by now, and the pointers may be
 * nonsense: hints do no harm.
 */
static void expect(const struct ut_coro *coro)
{
    enum { LINE = 64, FRAMES = 10 }; /* lines: from the innermost frame to that of the program */
    const char *stack = coro->context.stack_pointer;
    for (int i = 0; i < FRAMES; i++)
        __builtin_prefetch(stack + i * LINE, 1);
    __builtin_prefetch((const char *)coro->context.thread_pointer, 1);
    __builtin_prefetch(coro->tls, 1);
}

struct ut_coro *ut_runq_pop_oldest(struct ut_runq *queue)
{
    for (;;) {
        uint32_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
        uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
        if (tail == head)
            return NULL;
        struct ut_coro *coro =
            atomic_load_explicit(&queue->ring[head % UT_RUNQ_SLOTS], memory_order_relaxed);
        ut_shake();
        if (!atomic_compare_exchange_strong(&queue->head, &head, head + 1))
            continue;
        if (tail - head > 1)
            expect(atomic_load_explicit(&queue->ring[(head + 1) % UT_RUNQ_SLOTS],
                                        memory_order_relaxed));
        return coro;
    }
}

struct ut_coro *ut_runq_pop(struct ut_runq *queue)
{
    struct ut_coro *next = atomic_load_explicit(&queue->next, memory_order_relaxed);
    ut_shake();
    if (next && atomic_compare_exchange_strong(&queue->next, &next, NULL))
        return next;
    return ut_runq_pop_oldest(queue);
}

/* The victim's displaced favourite, once the monitor has seen it wait. */
static struct ut_coro *steal_next(struct ut_runq *victim)
{
    if (!atomic_load_explicit(&victim->next_is_fair_game, memory_order_relaxed))
        return NULL;
    struct ut_coro *next = atomic_load_explicit(&victim->next, memory_order_relaxed);
    ut_shake();
    if (next && atomic_compare_exchange_strong(&victim->next, &next, NULL))
        return next;
    return NULL;
}

struct ut_coro *ut_runq_steal(struct ut_runq *thief, struct ut_runq *victim)
{
    uint32_t tail = atomic_load_explicit(&thief->tail, memory_order_relaxed);
    for (;;) {
        uint32_t head = atomic_load_explicit(&victim->head, memory_order_acquire);
        uint32_t end = atomic_load_explicit(&victim->tail, memory_order_acquire);
        ut_shake();
        uint32_t count = end - head;
        count -= count / 2;
        if (count == 0)
            return steal_next(victim);
        if (count > UT_RUNQ_SLOTS / 2)
            continue; /* head and tail are of different moments */
        /* The thief's ring is empty (that is why it steals), so there is room for the half. */
        for (uint32_t i = 0; i < count; i++) {
            struct ut_coro *coro = atomic_load_explicit(&victim->ring[(head + i) % UT_RUNQ_SLOTS],
                                                        memory_order_relaxed);
            atomic_store_explicit(&thief->ring[(tail + i) % UT_RUNQ_SLOTS], coro,
                                  memory_order_relaxed);
        }
        ut_shake();
        if (!atomic_compare_exchange_strong(&victim->head, &head, head + count))
            continue;
        count--;
        struct ut_coro *last = atomic_load_explicit(&thief->ring[(tail + count) % UT_RUNQ_SLOTS],
                                                    memory_order_relaxed);
        if (count)
            atomic_store_explicit(&thief->tail, tail + count, memory_order_release);
        return last;
    }
}

bool ut_runq_is_empty(struct ut_runq *queue)
{
    return atomic_load(&queue->head) == atomic_load(&queue->tail) && !atomic_load(&queue->next);
}

void ut_runq_forked(void)
{
    global_lock = (struct ut_lock){0};
    global = (struct ut_runq_list){0};
    atomic_store(&global_length, 0);
}
