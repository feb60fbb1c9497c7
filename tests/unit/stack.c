/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include "config.h"
#include "engine.h"
#include "stats.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t smallest = 16 * 1024;

/* The signal that writing to ADDRESS ends a child with; 0 if it survives. */
static int write_in_child(char *address)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        *(volatile char *)address = 1;
        _exit(0);
    }
    cr_assert_gt(child, 0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static struct ut_slot take(size_t size)
{
    struct ut_slot slot = {0};
    int size_class = ut_stack_class(size);
    cr_assert_geq(size_class, 0);
    cr_assert_eq(ut_stack_take((unsigned)size_class, &slot), 0);
    return slot;
}

Test(stack, classes_are_powers_of_two)
{
    cr_assert_eq(ut_stack_class(0), 0);
    cr_assert_eq(ut_stack_class(smallest), 0);
    cr_assert_eq(ut_stack_class(smallest + 1), 1);
    cr_assert_eq(ut_stack_class(64 * 1024), 2);
    cr_assert_eq(ut_stack_class(8 * 1024 * 1024), 9);
    cr_assert_eq(ut_stack_class((size_t)4 << 30), UT_STACK_CLASSES - 1);
    cr_assert_eq(ut_stack_class(((size_t)4 << 30) + 1), -1);
    cr_assert_eq(ut_stack_class(SIZE_MAX), -1);
}

Test(stack, a_slot_has_the_slack_on_top_of_what_was_asked)
{
    for (size_t size = 1; size <= 64 * 1024 * 1024; size *= 3) {
        struct ut_slot slot = take(size);
        cr_assert_geq(slot.size, size + UT_STACK_SLACK);
        cr_assert_eq((uintptr_t)slot.base % 4096, 0);
    }
}

Test(stack, the_largest_class_can_be_had)
{
    struct ut_slot slot = take((size_t)4 << 30);
    char *base = slot.base;
    base[slot.size - 1] = 1;
    base[UT_STACK_GUARD] = 1;
    cr_assert_eq(write_in_child(base), SIGSEGV);
}

Test(stack, slots_do_not_overlap, .timeout = 60)
{
    enum { COUNT = 1000 }; /* several extents */
    static struct ut_slot slots[COUNT];
    for (int i = 0; i < COUNT; i++) {
        slots[i] = take(i % 2 ? 1 : 64 * 1024);
        char *usable = (char *)slots[i].base + UT_STACK_GUARD;
        memset(usable, i & 0xff, 64); /* its ends */
        memset((char *)slots[i].base + slots[i].size - 64, i & 0xff, 64);
    }
    for (int i = 0; i < COUNT; i++) {
        char *usable = (char *)slots[i].base + UT_STACK_GUARD;
        for (int j = 0; j < 64; j++) {
            cr_assert_eq(usable[j], (char)i);
            cr_assert_eq(((char *)slots[i].base)[slots[i].size - 1 - j], (char)i);
        }
    }
}

Test(stack, find_knows_what_was_handed_out)
{
    struct ut_slot found, slots[200];
    int local = 0;
    cr_assert_not(ut_stack_find(&local, &found));
    for (int i = 0; i < 200; i++)
        slots[i] = take(i % 3 ? 20000 : 200000);
    for (int i = 0; i < 200; i++) {
        char *base = slots[i].base;
        char *inside[] = {base, base + 5000, base + slots[i].size - 1};
        for (int j = 0; j < 3; j++) {
            cr_assert(ut_stack_find(inside[j], &found));
            cr_assert_eq(found.base, slots[i].base);
            cr_assert_eq(found.size, slots[i].size);
        }
    }
    cr_assert_not(ut_stack_find(&local, &found));
    cr_assert_not(ut_stack_find(NULL, &found));
    cr_assert_not(ut_stack_find((void *)UINTPTR_MAX, &found));
}

Test(stack, find_does_not_know_what_was_not)
{
    struct ut_slot first = take(smallest), found;
    char *second = (char *)first.base + first.size; /* of the same mapping */
    cr_assert_not(ut_stack_find(second, &found));
    cr_assert_not(ut_stack_find((char *)first.base - 1, &found));
    struct ut_slot taken = take(smallest);
    cr_assert_eq(taken.base, second);
    cr_assert(ut_stack_find(second, &found));
}

static void expect_guard(void)
{
    struct ut_slot below = take(smallest), slot = take(smallest);
    char *base = slot.base;
    cr_assert_eq((char *)below.base + below.size, base, "the guard keeps two stacks apart");
    cr_assert_eq(write_in_child(base), SIGSEGV);
    cr_assert_eq(write_in_child(base + UT_STACK_GUARD - 1), SIGSEGV);
    cr_assert_eq(write_in_child(base + UT_STACK_GUARD), 0);
    cr_assert_eq(write_in_child(base - 1), 0);
    cr_assert_eq(atomic_load(&ut_stats.unguarded_stacks), 0);
}

Test(stack, the_guard_faults)
{
    ut_config.guard = UT_GUARD_AUTO;
    expect_guard();
}

Test(stack, the_guard_faults_by_mprotect)
{
    ut_config.guard = UT_GUARD_MPROTECT;
    expect_guard();
}

Test(stack, no_guard_if_none_is_wanted)
{
    ut_config.guard = UT_GUARD_NONE;
    struct ut_slot slot = take(smallest);
    cr_assert_eq(write_in_child(slot.base), 0);
}

Test(stack, a_guard_survives_trimming_beside_it)
{
    struct ut_slot slot = take(smallest);
    char *base = slot.base;
    ut_stack_trim(base + UT_STACK_GUARD, base + slot.size);
    cr_assert_eq(write_in_child(base), SIGSEGV);
    ut_stack_trim(base, base + slot.size);
    cr_assert_eq(write_in_child(base), SIGSEGV);
}

static unsigned resident_pages(void *start, size_t size)
{
    static unsigned char pages[1024];
    unsigned count = 0;
    cr_assert_leq(size / 4096, sizeof pages);
    cr_assert_eq(mincore(start, size, pages), 0);
    for (size_t i = 0; i < size / 4096; i++)
        count += pages[i] & 1;
    return count;
}

Test(stack, trimming_gives_the_pages_back)
{
    enum { PAGES = 20, SIZE = PAGES * 4096 };
    struct ut_slot slot = take(128 * 1024);
    char *low = (char *)slot.base + UT_STACK_GUARD;
    memset(low, 'x', SIZE);
    cr_assert_eq(resident_pages(low, SIZE), PAGES);
    ut_stack_trim(low, low); /* empty, and the wrong way round: nothing happens */
    ut_stack_trim(low + SIZE, low);
    cr_assert_eq(resident_pages(low, SIZE), PAGES);
    ut_stack_trim(low, low + SIZE - 4096);
    cr_assert_eq(resident_pages(low, SIZE - 4096), 0);
    cr_assert_eq(low[0], 0);
    cr_assert_eq(low[SIZE - 4096], 'x');
}

static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return pages * 4096;
}

/* ulimit -v: the mapping for many slots is refused, one for a single slot is not. */
Test(stack, makes_do_with_little_address_space)
{
    enum { SIZE = 1024 * 1024 };
    struct rlimit before, tight;
    struct ut_slot first, second, third;
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    unsigned size_class = (unsigned)ut_stack_class(SIZE);
    tight = before;
    tight.rlim_cur = address_space() + 2 * (SIZE + UT_STACK_SLACK) + 4096;
    cr_assert_eq(setrlimit(RLIMIT_AS, &tight), 0);
    int results[] = {ut_stack_take(size_class, &first), ut_stack_take(size_class, &second),
                     ut_stack_take(size_class, &third)};
    cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
    cr_assert_eq(results[0], 0);
    cr_assert_eq(results[1], 0);
    cr_assert_eq(results[2], -ENOMEM);
    third = take(SIZE); /* and recovers */
    cr_assert_neq(first.base, second.base);
    *((char *)third.base + UT_STACK_GUARD) = 1;
}

enum { TAKERS = 4, PER_TAKER = 500 };

static struct ut_slot taken[TAKERS][PER_TAKER];

static void *take_many(void *argument)
{
    struct ut_slot *mine = argument, found;
    for (int i = 0; i < PER_TAKER; i++) {
        must(ut_stack_take(i % 2, &mine[i]) == 0);
        must(ut_stack_find(mine[i].base, &found) && found.base == mine[i].base);
    }
    return NULL;
}

static int by_address(const void *a, const void *b)
{
    const struct ut_slot *left = a, *right = b;
    return left->base < right->base ? -1 : left->base > right->base;
}

Test(stack, threads_take_different_slots, .timeout = 60)
{
    pthread_t threads[TAKERS];
    struct ut_slot *all = taken[0];
    for (int i = 0; i < TAKERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_many, taken[i]), 0);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(threads[i], NULL);
    qsort(all, TAKERS * PER_TAKER, sizeof *all, by_address);
    for (int i = 1; i < TAKERS * PER_TAKER; i++)
        cr_assert_leq((char *)all[i - 1].base + all[i - 1].size, (char *)all[i].base);
}

Test(stack, a_forked_child_has_been_given_none)
{
    struct ut_slot before = take(64 * 1024), slot;
    ut_stack_forked();
    cr_assert_not(ut_stack_find(before.base, &slot));
    cr_assert_not(ut_stack_next(NULL, &slot));
    struct ut_slot after = take(64 * 1024);
    cr_assert_neq(after.base, before.base, "the caller may run in that one");
    cr_assert(ut_stack_find(after.base, &slot));
    cr_assert_eq(slot.base, after.base);
    cr_assert(ut_stack_next(NULL, &slot));
    cr_assert_eq(slot.base, after.base);
    cr_assert_not(ut_stack_next(slot.base, &slot));
}
