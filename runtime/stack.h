/* SPDX-License-Identifier: MIT */
/*
 * Stack slots. A slot is, from below: a guard, slack for the shim's own frames and signal frames,
 * the stack that the program asked for, glibc's thread control block, and a struct ut_coro.
 * Slots of one size class are carved from large mappings and never unmapped, so a thousand
 * slots are one VMA and a thread handle can be checked by its address at any time.
 */
#ifndef UT_STACK_H
#define UT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UT_STACK_CLASSES = 19,       /* 16 KiB << 0 … 16 KiB << 18 = 4 GiB */
    UT_STACK_SLACK = 128 * 1024, /* beyond what was asked: TLS, TCB, our frames, signal frames,
                                    and cache colouring (coro.c) */
    UT_STACK_GUARD = 4096,
};

/* The words of UNTHREAD_GUARD in settings.def, in the same order. */
enum ut_stack_guard { UT_GUARD_AUTO, UT_GUARD_MPROTECT, UT_GUARD_NONE };

struct ut_slot {
    void *base;
    size_t size;
};

/* The class for SIZE bytes, or -1 if there is none so large. */
int ut_stack_class(size_t size);

/* A fresh slot with its guard in place: 0, or -ENOMEM. Any context; takes the stack lock. */
int ut_stack_take(unsigned size_class, struct ut_slot *slot);

/* The slot that contains ADDRESS, if it is one of ours and was handed out. Any context, no lock. */
bool ut_stack_find(const void *address, struct ut_slot *slot);

/* The slot handed out after the one at BASE, or the first for NULL. Any context, no lock. */
bool ut_stack_next(const void *base, struct ut_slot *slot);

/* Give the pages of [LOW, HIGH) back to the kernel; they read as zero afterwards. */
void ut_stack_trim(void *low, void *high);

/*
 * The pages from LOW to HIGH, of a stack that is not in use, can be written again: a program may have put a
 * guard of its own into it, and left it there. Any context.
 */
void ut_stack_open(void *low, void *high);

/*
 * In a forked child: nobody holds the lock, and no slot has been handed out. Their memory stays as it is: the
 * caller may run in one of them.
 */
void ut_stack_forked(void);

#endif
