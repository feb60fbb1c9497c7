/* SPDX-License-Identifier: MIT */
#include "runq.h"

#include "engine.h"

#include <criterion/criterion.h>

enum { MANY = 2000 };

static struct ut_runq queue, other;
static struct ut_coro coros[MANY];

static void push(int first, int count)
{
    for (int i = first; i < first + count; i++)
        ut_runq_push(&queue, &coros[i]);
}

static int index_of(struct ut_coro *coro)
{
    return coro ? (int)(coro - coros) : -1;
}

Test(runq, first_in_first_out)
{
    cr_assert(ut_runq_is_empty(&queue));
    cr_assert_null(ut_runq_pop(&queue));
    for (int round = 0; round < 7; round++) { /* around the ring's end */
        push(0, 100);
        cr_assert_not(ut_runq_is_empty(&queue));
        for (int i = 0; i < 100; i++)
            cr_assert_eq(index_of(ut_runq_pop(&queue)), i);
        cr_assert(ut_runq_is_empty(&queue));
    }
    cr_assert_eq(ut_runq_global_length(), 0);
}

Test(runq, next_runs_first_and_displaces)
{
    push(0, 2);
    cr_assert_not(ut_runq_push_next(&queue, &coros[10]));
    cr_assert(ut_runq_push_next(&queue, &coros[11]));
    static const int expected[] = {11, 0, 1, 10, -1};
    for (int i = 0; i < 5; i++)
        cr_assert_eq(index_of(ut_runq_pop(&queue)), expected[i]);
}

Test(runq, next_alone_is_not_empty)
{
    ut_runq_push_next(&queue, &coros[0]);
    cr_assert_not(ut_runq_is_empty(&queue));
    cr_assert_eq(index_of(ut_runq_pop(&queue)), 0);
    cr_assert(ut_runq_is_empty(&queue));
}

Test(runq, overflow_goes_to_the_global_queue_in_order)
{
    push(0, UT_RUNQ_SLOTS);
    cr_assert_eq(ut_runq_global_length(), 0);
    push(UT_RUNQ_SLOTS, 1);
    cr_assert_eq(ut_runq_global_length(), UT_RUNQ_SLOTS / 2 + 1);
    for (int i = UT_RUNQ_SLOTS / 2; i < UT_RUNQ_SLOTS; i++)
        cr_assert_eq(index_of(ut_runq_pop(&queue)), i);
    cr_assert_null(ut_runq_pop(&queue));
    for (int i = 0; i < UT_RUNQ_SLOTS / 2; i++)
        cr_assert_eq(index_of(ut_runq_global_pop(&queue, 1)), i);
    cr_assert_eq(index_of(ut_runq_global_pop(&queue, 1)), UT_RUNQ_SLOTS);
    cr_assert_null(ut_runq_global_pop(&queue, 1));
    cr_assert_eq(ut_runq_global_length(), 0);
}

Test(runq, nothing_is_lost_however_much_is_pushed)
{
    bool seen[MANY] = {false};
    int count = 0;
    push(0, MANY);
    for (struct ut_coro *coro;
         (coro = ut_runq_pop(&queue)) || (coro = ut_runq_global_pop(&queue, 100)); count++) {
        cr_assert_not(seen[index_of(coro)]);
        seen[index_of(coro)] = true;
    }
    cr_assert_eq(count, MANY);
}

Test(runq, a_share_of_the_global_queue_comes_along)
{
    struct ut_runq_list list = {0};
    for (int i = 0; i < 10; i++)
        ut_runq_append(&list, &coros[i]);
    cr_assert_eq(list.length, 10);
    ut_runq_global_push((struct ut_runq_list){0});
    ut_runq_global_push(list);
    cr_assert_eq(index_of(ut_runq_global_pop(&queue, 4)), 0);
    cr_assert_eq(ut_runq_global_length(), 6);
    for (int i = 1; i < 4; i++)
        cr_assert_eq(index_of(ut_runq_pop(&queue)), i);
    cr_assert_null(ut_runq_pop(&queue));
    cr_assert_eq(index_of(ut_runq_global_pop(&queue, 100)), 4);
    cr_assert_eq(ut_runq_global_length(), 0);
    list = (struct ut_runq_list){0};
    ut_runq_append(&list, &coros[10]);
    ut_runq_global_push(list); /* an emptied list starts afresh */
    for (int i = 5; i < 10; i++)
        cr_assert_eq(index_of(ut_runq_pop(&queue)), i);
    cr_assert_eq(index_of(ut_runq_global_pop(&queue, 100)), 10);
}

Test(runq, a_thief_takes_the_older_half)
{
    cr_assert_null(ut_runq_steal(&other, &queue));
    push(0, 9);
    cr_assert_eq(index_of(ut_runq_steal(&other, &queue)), 4);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(index_of(ut_runq_pop(&other)), i);
    for (int i = 5; i < 9; i++)
        cr_assert_eq(index_of(ut_runq_pop(&queue)), i);
    push(0, 1);
    cr_assert_eq(index_of(ut_runq_steal(&other, &queue)), 0);
    cr_assert(ut_runq_is_empty(&queue));
    cr_assert(ut_runq_is_empty(&other));
    push(0, UT_RUNQ_SLOTS);
    cr_assert_eq(index_of(ut_runq_steal(&other, &queue)), UT_RUNQ_SLOTS / 2 - 1);
}

Test(runq, next_is_the_owners_until_the_monitor_says_otherwise)
{
    ut_runq_push_next(&queue, &coros[0]);
    cr_assert_null(ut_runq_steal(&other, &queue));
    atomic_store(&queue.next_is_fair_game, true);
    cr_assert_eq(index_of(ut_runq_steal(&other, &queue)), 0);
    cr_assert_null(ut_runq_pop(&queue));
    ut_runq_push_next(&queue, &coros[1]);
    cr_assert_null(ut_runq_steal(&other, &queue), "a new one is the owner's again");
}

/*
 * Real threads: one fills its queue, and takes from it, too; the others steal from it and from
 * each other and take from the global queue. Each coroutine goes around many times.
 */
enum { THIEVES = 3, PUSHES = 400000 };

static struct ut_runq queues[1 + THIEVES];
static _Atomic unsigned char in_queue[MANY]; /* 1 while it is in some queue */
static _Atomic unsigned long taken;
static _Atomic bool owner_done;

static void take(struct ut_coro *coro)
{
    must(atomic_exchange(&in_queue[index_of(coro)], 0) == 1);
    atomic_fetch_add(&taken, 1);
}

static struct ut_coro *find(struct ut_runq *mine, unsigned number)
{
    struct ut_coro *coro = ut_runq_pop(mine);
    for (unsigned i = 1; !coro && i <= THIEVES; i++)
        coro = ut_runq_steal(mine, &queues[(number + i) % (THIEVES + 1)]);
    return coro ? coro : ut_runq_global_pop(mine, 50);
}

static void *thieve(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    for (;;) {
        bool last = atomic_load(&owner_done);
        struct ut_coro *coro = find(&queues[number], number);
        if (coro)
            take(coro);
        else if (last)
            return NULL;
        else
            sched_yield();
    }
}

static void fill(void)
{
    for (unsigned long pushed = 0, at = 0; pushed < PUSHES; at = (at + 1) % MANY) {
        struct ut_coro *coro;
        unsigned char free = 0;
        if (atomic_compare_exchange_strong(&in_queue[at], &free, 1)) {
            if (at % 5 == 0)
                ut_runq_push_next(&queues[0], &coros[at]);
            else
                ut_runq_push(&queues[0], &coros[at]);
            pushed++;
        }
        if (at % 7 == 0)
            atomic_store(&queues[0].next_is_fair_game, true);
        if (at % 3 == 0 && (coro = ut_runq_pop(&queues[0])))
            take(coro);
    }
}

Test(runq, thieves_neither_lose_nor_duplicate, .timeout = 120)
{
    pthread_t threads[THIEVES];
    struct ut_coro *coro;
    for (uintptr_t i = 0; i < THIEVES; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, thieve, (void *)(i + 1)), 0);
    fill();
    while ((coro = find(&queues[0], 0)))
        take(coro);
    atomic_store(&owner_done, true);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(threads[i], NULL);
    /* What a thief had taken over when we looked for the last time it has taken itself. */
    cr_assert_eq(atomic_load(&taken), PUSHES);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(atomic_load(&in_queue[i]), 0);
    cr_assert_eq(ut_runq_global_length(), 0);
}
