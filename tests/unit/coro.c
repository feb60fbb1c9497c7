/* SPDX-License-Identifier: MIT */
#include "coro.h"

#include "clock.h"
#include "engine.h"
#include "libc.h"
#include "stack.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

static void *same(void *argument)
{
    return argument;
}

static int join(struct ut_coro *coro, void **result, int64_t deadline)
{
    ut_critical_begin();
    int error = ut_coro_join(coro, result, deadline);
    ut_critical_end();
    return error;
}

/* A coroutine that goes on only when told to. */
static _Atomic bool may_end;

static void *end_when_told(void *argument)
{
    while (!atomic_load(&may_end))
        engine_yield();
    return argument;
}

Test(coro, runs_and_gives_its_result, .timeout = 30)
{
    engine_start(2);
    cr_assert_str_eq(engine_run(same, "result"), "result");
    cr_assert_null(engine_run(same, NULL));
    cr_assert_eq(atomic_load(&ut_stats.coroutines_made), 1);
    cr_assert_eq(atomic_load(&ut_stats.coroutines_recycled), 1);
}

Test(coro, no_stack_is_that_large)
{
    int error = 0;
    engine_start(1);
    cr_assert_null(ut_coro_obtain(SIZE_MAX, &error));
    cr_assert_eq(error, EAGAIN);
}

static int refuse(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                  void *argument)
{
    (void)thread;
    (void)attributes;
    (void)start;
    (void)argument;
    return EAGAIN;
}

Test(coro, glibc_may_refuse_a_thread, .timeout = 30)
{
    struct ut_slot first, second;
    int error = 0;
    engine_start(1);
    unsigned size_class = (unsigned)ut_stack_class(65536);
    ut_libc.pthread_create = refuse;
    cr_assert_null(ut_coro_obtain(65536, &error));
    cr_assert_eq(error, EAGAIN);
    cr_assert_null(ut_coro_obtain(65536, &error));
    cr_assert_eq(ut_stack_take(size_class, &first), 0);
    ut_libc.pthread_create = pthread_create;
    struct ut_coro *coro = engine_launch(same, "later");
    cr_assert_not(coro->recycled);
    cr_assert_str_eq(engine_join(coro), "later");
    cr_assert_eq(ut_stack_take(size_class, &second), 0);
    cr_assert_eq((char *)first.base + first.size, second.base, "the slot was not lost");
}

static void *use_stack(void *size)
{
    volatile char *area = __builtin_alloca((size_t)size);
    for (size_t i = 0; i < (size_t)size; i += 512)
        area[i] = (char)i;
    return area ? size : NULL;
}

/* What was asked for can be used to the last byte, and then there is still the slack. */
Test(coro, the_stack_is_as_large_as_asked, .timeout = 30)
{
    static const size_t sizes[] = {16384, 65536, 1 << 20, 64 << 20};
    engine_start(1);
    for (int i = 0; i < 4; i++) {
        int error = 0;
        struct ut_coro *coro = ut_coro_obtain(sizes[i], &error);
        cr_assert_not_null(coro);
        cr_assert_geq(coro->stack_size, sizes[i] + 32 * 1024);
        coro->start = use_stack;
        coro->argument = (void *)(sizes[i] + 8 * 1024);
        engine_release(coro);
        cr_assert_eq((size_t)engine_join(coro), sizes[i] + 8 * 1024);
    }
}

Test(coro, is_found_by_its_handle, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *first = engine_launch(end_when_told, NULL);
    struct ut_coro *second = engine_launch(end_when_told, NULL);
    cr_assert_neq(first, second);
    cr_assert_eq(ut_coro_find(first->handle), first);
    cr_assert_eq(ut_coro_find(second->handle), second);
    cr_assert_null(ut_coro_find(pthread_self()));
    cr_assert_null(ut_coro_find(0));
    cr_assert_null(ut_coro_find(first->handle + 64));
    atomic_store(&may_end, true);
    engine_join(first);
    engine_join(second);
}

static void *own_handle(void *unused)
{
    (void)unused;
    return (void *)pthread_self();
}

Test(coro, pthread_self_is_its_handle, .timeout = 30)
{
    engine_start(2);
    for (int i = 0; i < 100; i++) {
        struct ut_coro *coro = engine_launch(own_handle, NULL);
        cr_assert_eq((pthread_t)engine_join(coro), coro->handle);
    }
}

Test(coro, is_used_again, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *first = engine_launch(same, NULL);
    cr_assert_not(first->recycled);
    engine_join(first);
    struct ut_coro *second = engine_launch(same, NULL);
    cr_assert_eq(first, second);
    cr_assert(second->recycled);
    engine_join(second);
}

static void *spoil(void *result)
{
    ut_tls.coro->spoiled = true;
    return result;
}

Test(coro, a_spoiled_one_is_not_used_again, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *first = engine_launch(spoil, "result");
    cr_assert_str_eq(engine_join(first), "result");
    cr_assert_neq(engine_launch(same, NULL), first);
    cr_assert_eq(atomic_load(&ut_stats.coroutines_spoiled), 1);
    cr_assert_eq(atomic_load(&first->life), UT_CORO_POOLED);
}

Test(coro, a_join_that_may_not_wait, .timeout = 30)
{
    void *result = NULL;
    engine_start(1);
    struct ut_coro *coro = engine_launch(end_when_told, "x");
    cr_assert_eq(join(coro, &result, 0), -EBUSY);
    cr_assert_eq(join(coro, &result, ut_clock_now() + 5 * UT_MILLISECOND), -ETIMEDOUT);
    atomic_store(&may_end, true);
    until(atomic_load(&coro->life) & UT_CORO_FINISHED);
    cr_assert_eq(join(coro, &result, 0), 0);
    cr_assert_str_eq(result, "x");
    cr_assert_eq(join(coro, &result, 0), -EINVAL, "it has been given back");
}

Test(coro, a_detached_one_gives_itself_back, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *coro = engine_launch_detached(end_when_told, NULL);
    cr_assert_eq(join(coro, NULL, UT_FOREVER), -EINVAL);
    cr_assert_eq(ut_coro_detach(coro), -EINVAL);
    atomic_store(&may_end, true);
    until(atomic_load(&coro->life) & UT_CORO_POOLED);
}

Test(coro, may_be_detached_before_and_after_its_end, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *first = engine_launch(end_when_told, NULL);
    struct ut_coro *second = engine_launch(end_when_told, NULL);
    cr_assert_eq(ut_coro_detach(first), 0);
    atomic_store(&may_end, true);
    until(atomic_load(&first->life) & UT_CORO_POOLED);
    until(atomic_load(&second->life) & UT_CORO_FINISHED);
    cr_assert_eq(ut_coro_detach(second), 0);
    cr_assert(atomic_load(&second->life) & UT_CORO_POOLED);
}

static void *join_other(void *coro)
{
    return engine_join(coro);
}

Test(coro, coroutines_join_each_other, .timeout = 30)
{
    engine_start(2);
    struct ut_coro *last = engine_launch(end_when_told, "through many");
    for (int i = 0; i < 100; i++)
        last = engine_launch(join_other, last);
    atomic_store(&may_end, true);
    cr_assert_str_eq(engine_join(last), "through many");
}

static void *join_natively(void *coro)
{
    return (void *)(intptr_t)join(coro, NULL, UT_FOREVER);
}

Test(coro, only_one_may_join, .timeout = 30)
{
    pthread_t thread;
    void *error;
    engine_start(1);
    struct ut_coro *coro = engine_launch(end_when_told, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, join_natively, coro), 0);
    until(atomic_load(&coro->life) & UT_CORO_CLAIMED);
    cr_assert_eq(join(coro, NULL, UT_FOREVER), -EINVAL);
    atomic_store(&may_end, true);
    pthread_join(thread, &error);
    cr_assert_eq((intptr_t)error, 0);
}

Test(coro, an_interrupted_join_can_be_repeated, .timeout = 30)
{
    engine_start(1);
    struct ut_coro *slow = engine_launch(end_when_told, NULL);
    struct ut_coro *joiner = engine_obtain(join_natively, slow); /* it is not native, though */
    atomic_store(&joiner->interrupted, true);
    engine_release(joiner);
    cr_assert_eq((intptr_t)engine_join(joiner), -EINTR);
    atomic_store(&may_end, true);
    cr_assert_eq(join(slow, NULL, UT_FOREVER), 0);
}

enum { DEEP = 1 << 20 };

static void *end_at_once(void *argument)
{
    return argument;
}

static struct ut_coro *obtain_deep(void *(*start)(void *), uintptr_t argument)
{
    int error = 0;
    struct ut_coro *coro = ut_coro_obtain(2 * DEEP, &error);
    cr_assert_not_null(coro);
    coro->start = start;
    coro->argument = (void *)argument;
    return coro;
}

static unsigned resident_pages_of(const struct ut_coro *coro)
{
    static unsigned char pages[DEEP / 4096];
    unsigned resident = 0;
    uintptr_t middle = ((uintptr_t)coro->stack + coro->stack_size - DEEP - 262144) & ~4095ul;
    cr_assert_eq(mincore((void *)middle, DEEP, pages), 0);
    for (int i = 0; i < DEEP / 4096; i++)
        resident += pages[i] & 1;
    return resident;
}

/* A deep stack's pages go back to the kernel when some more threads are over. */
Test(coro, a_deep_stack_is_trimmed, .timeout = 30)
{
    struct ut_coro *others[UT_CORO_WARM];
    engine_start(1);
    for (int i = 0; i < UT_CORO_WARM; i++)
        others[i] = obtain_deep(end_at_once, 0);
    struct ut_coro *coro = obtain_deep(use_stack, DEEP + DEEP / 2);
    engine_release(coro);
    engine_join(coro);
    cr_assert_eq(resident_pages_of(coro), DEEP / 4096, "the test does not use the stack");
    for (int i = 0; i < UT_CORO_WARM; i++) {
        cr_assert_gt(resident_pages_of(coro), 0, "others are warmer");
        engine_release(others[i]);
        engine_join(others[i]);
    }
    cr_assert_eq(resident_pages_of(coro), 0);
}

/* Threads create, join and detach at the same time, natively and from coroutines. */

enum { CREATORS = 3, PER_CREATOR = 3000 };

static _Atomic unsigned ran;

static void *count(void *argument)
{
    atomic_fetch_add(&ran, 1);
    return argument;
}

static void *create_many(void *unused)
{
    (void)unused;
    for (uintptr_t i = 0; i < PER_CREATOR; i++) {
        if (i % 3 == 0) {
            engine_launch_detached(count, NULL);
            continue;
        }
        struct ut_coro *coro = engine_launch(count, (void *)i);
        if (i % 3 == 1) {
            must(engine_join(coro) == (void *)i);
        } else {
            ut_critical_begin();
            must(ut_coro_detach(coro) == 0);
            ut_critical_end();
        }
    }
    return NULL;
}

Test(coro, many_come_and_go, .timeout = 120)
{
    pthread_t threads[CREATORS];
    struct ut_coro *coros[CREATORS];
    engine_start(2);
    for (int i = 0; i < CREATORS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, create_many, NULL), 0);
        coros[i] = engine_launch(create_many, NULL);
    }
    for (int i = 0; i < CREATORS; i++) {
        pthread_join(threads[i], NULL);
        engine_join(coros[i]);
    }
    until(atomic_load(&ran) == 2 * CREATORS * PER_CREATOR);
    cr_assert_eq(atomic_load(&ut_stats.coroutines_made) +
                     atomic_load(&ut_stats.coroutines_recycled),
                 2 * CREATORS * PER_CREATOR + CREATORS);
}
