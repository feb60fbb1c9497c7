/* SPDX-License-Identifier: MIT */
/* What the switch's test must know of aarch64. */
#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

#include "arch.h"

#include <string.h>

enum { MACHINE_REGISTERS = 19 }; /* x19 ... x29, d8 ... d15 */

/* fpcr: rounding mode in bits 22 and 23, flush to zero in 24, default NaN in 25. */
static const uint64_t machine_controls[] = {0, 0x00400000, 0x01c00000, 0x02800000};

/* Make CONTEXT one that will enter ENTRY, which must not return, on the stack that ends at TOP. */
static inline void machine_prepare(struct ut_context *context, void *top, void (*entry)(void))
{
    /* As switch.S leaves it: x29, x30 and eight more pairs, d8 to d15, fpcr. */
    uint64_t *frame = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 22;
    memset(frame, 0, 22 * sizeof *frame);
    frame[1] = (uintptr_t)entry;
    context->stack_pointer = frame;
    context->thread_pointer = ut_arch_thread_pointer();
}

#endif
