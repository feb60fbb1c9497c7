/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include "config.h"
#include "lock.h"
#include "log.h"
#include "stats.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* Client requests: a few instructions without effect, unless valgrind runs them. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(low, high) ((void)(low), (void)(high), 0)
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum {
    SMALLEST = 16 * 1024,
    EXTENTS = 4096,
    MPROTECT_GUARDS = 20000, /* each costs a VMA: leave the program most of vm.max_map_count */
};

#define LARGEST_EXTENT ((size_t)1 << 39)

/* One mapping. Entries are filled before the count is raised and never change after, but in a child. */
struct extent {
    char *base;
    size_t slot_size;
    _Atomic size_t taken; /* bytes handed out */
    size_t size;
    size_t forgotten; /* of these, handed out before the fork that made this process */
};

static struct extent extents[EXTENTS];
static _Atomic unsigned extent_count; /* release in add_extent, acquire in ut_stack_find */

/* Guarded by stack_lock. */
static struct ut_lock stack_lock;
static struct extent *current[UT_STACK_CLASSES];
static size_t next_extent_size[UT_STACK_CLASSES];
static unsigned mprotect_guards;
static bool no_guard_install;

static size_t class_size(unsigned size_class)
{
    return (size_t)SMALLEST << size_class;
}

int ut_stack_class(size_t size)
{
    for (unsigned c = 0; c < UT_STACK_CLASSES; c++)
        if (size <= class_size(c))
            return (int)c;
    return -1;
}

/*
 * A new extent for the class: ever larger ones, so that a million stacks need few; but under a
 * limit on address space (ulimit -v, overcommit 2) as little as one slot.
 */
static struct extent *add_extent(unsigned size_class)
{
    size_t slot_size = class_size(size_class) + UT_STACK_SLACK;
    unsigned index = atomic_load_explicit(&extent_count, memory_order_relaxed);
    if (index == EXTENTS)
        return NULL;
    size_t size = next_extent_size[size_class];
    if (!size)
        size = slot_size * 64;
    char *base;
    while (!(base = ut_sys_map(size))) {
        if (size == slot_size)
            return NULL;
        size = size / slot_size / 4 * slot_size;
        if (size < slot_size)
            size = slot_size;
    }
    ut_syscall3(SYS_madvise, base, size, MADV_NOHUGEPAGE); /* refused without THP: fine */
    next_extent_size[size_class] = size < LARGEST_EXTENT ? size * 2 : size;

    struct extent *extent = &extents[index];
    extent->base = base;
    extent->slot_size = slot_size;
    extent->size = size;
    atomic_store_explicit(&extent_count, index + 1, memory_order_release);
    return extent;
}

/* Make the slot's lowest page fault. Without it an overflow would reach another stack. */
static void install_guard(char *base)
{
    if (ut_config.guard == UT_GUARD_NONE)
        return;
    if (ut_config.guard == UT_GUARD_AUTO && !no_guard_install) {
        if (ut_syscall3(SYS_madvise, base, UT_STACK_GUARD, MADV_GUARD_INSTALL) == 0)
            return;
        no_guard_install = true;
        ut_log(UT_LOG_INFO, "no MADV_GUARD_INSTALL here: stack guards by mprotect");
    }
    if (mprotect_guards < MPROTECT_GUARDS &&
        ut_syscall3(SYS_mprotect, base, UT_STACK_GUARD, PROT_NONE) == 0)
        mprotect_guards++;
    else
        ut_count(unguarded_stacks);
}

/*
 * A jump to a near stack would look like a large frame, whose memory is undefined. When the birth
 * thread starts, valgrind takes the whole segment for its stack: so the guard must end one.
 */
static void tell_valgrind(const struct ut_slot *slot)
{
    if (!RUNNING_ON_VALGRIND)
        return;
    no_guard_install = true;
    (void)VALGRIND_STACK_REGISTER((char *)slot->base + UT_STACK_GUARD,
                                  (char *)slot->base + slot->size - 1);
}

int ut_stack_take(unsigned size_class, struct ut_slot *slot)
{
    ut_lock_acquire(&stack_lock);
    struct extent *extent = current[size_class];
    if (!extent || atomic_load_explicit(&extent->taken, memory_order_relaxed) == extent->size)
        extent = current[size_class] = add_extent(size_class);
    if (!extent) {
        ut_lock_release(&stack_lock);
        return -ENOMEM;
    }
    size_t taken = atomic_load_explicit(&extent->taken, memory_order_relaxed);
    slot->base = extent->base + taken;
    slot->size = extent->slot_size;
    atomic_store_explicit(&extent->taken, taken + extent->slot_size, memory_order_release);
    tell_valgrind(slot);
    install_guard(slot->base);
    ut_lock_release(&stack_lock);
    return 0;
}

bool ut_stack_find(const void *address, struct ut_slot *slot)
{
    unsigned count = atomic_load_explicit(&extent_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        struct extent *extent = &extents[i];
        size_t offset = (size_t)((const char *)address - extent->base);
        if (offset < atomic_load_explicit(&extent->taken, memory_order_acquire) &&
            offset >= extent->forgotten) {
            slot->base = extent->base + offset / extent->slot_size * extent->slot_size;
            slot->size = extent->slot_size;
            return true;
        }
    }
    return false;
}

bool ut_stack_next(const void *base, struct ut_slot *slot)
{
    unsigned count = atomic_load_explicit(&extent_count, memory_order_acquire);
    bool found = !base;
    for (unsigned i = 0; i < count; i++) {
        struct extent *extent = &extents[i];
        size_t taken = atomic_load_explicit(&extent->taken, memory_order_acquire);
        size_t offset = extent->forgotten;
        if (!found) {
            offset = (size_t)((const char *)base - extent->base);
            found = offset < taken && offset >= extent->forgotten;
            offset += extent->slot_size;
        }
        if (found && offset < taken) {
            *slot = (struct ut_slot){extent->base + offset, extent->slot_size};
            return true;
        }
    }
    return false;
}

void ut_stack_open(void *low, void *high)
{
    uintptr_t end = ((uintptr_t)high + UT_STACK_GUARD - 1) & -(uintptr_t)UT_STACK_GUARD;
    ut_syscall3(SYS_mprotect, low, end - (uintptr_t)low, PROT_READ | PROT_WRITE);
}

void ut_stack_trim(void *low, void *high)
{
    if (low < high)
        ut_syscall3(SYS_madvise, low, (char *)high - (char *)low, MADV_DONTNEED);
}

void ut_stack_forked(void)
{
    stack_lock = (struct ut_lock){0};
    for (unsigned i = 0; i < atomic_load(&extent_count); i++)
        extents[i].forgotten = atomic_load(&extents[i].taken);
}
