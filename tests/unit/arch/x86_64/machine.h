/* SPDX-License-Identifier: MIT */
/* What the switch's test must know of x86-64. */
#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

#include "arch.h"

enum { MACHINE_REGISTERS = 6 }; /* rbx, rbp, r12 ... r15 */

/* mxcsr in the lower half, the x87 control word in the upper; see machine.S. */
static const uint64_t machine_controls[] = {
    0x0000037f00001f80, /* the default */
    0x0000037f00005f80, /* mxcsr: round up */
    0x00000f7f00001f80, /* x87: truncate */
    0x0000027f0000ffc0, /* x87: double precision; mxcsr: flush, denormals are zero, truncate */
};

/* Make CONTEXT one that will enter ENTRY, which must not return, on the stack that ends at TOP. */
static inline void machine_prepare(struct ut_context *context, void *top, void (*entry)(void))
{
    /* As switch.S leaves it: control words, r15, r14, r13, r12, rbx, rbp, return address. */
    uint64_t *frame = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 9;
    *frame = machine_controls[0];
    frame[7] = (uintptr_t)entry;
    frame[8] = 0;
    context->stack_pointer = frame;
    context->thread_pointer = ut_arch_thread_pointer();
}

#endif
