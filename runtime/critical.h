/* SPDX-License-Identifier: MIT */
/*
 * Critical sections: while one is open, the program's signal handlers wait. They may call
 * sem_post and the like, which take the runtime's locks; and during a context switch there is no
 * moment at which they could run. The shim's handler trampoline looks at ut_tls.critical; a
 * signal that had to wait is delivered when the outermost section closes.
 */
#ifndef UT_CRITICAL_H
#define UT_CRITICAL_H

#include "tls.h"

#include <stdatomic.h>

/* Deals with ut_tls.attention; set by the shim before the runtime starts. */
extern void (*ut_critical_deliver)(void);

static inline void ut_critical_begin(void)
{
    ut_tls.critical++;
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void ut_critical_end(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (--ut_tls.critical == 0 &&
        __builtin_expect(atomic_load_explicit(&ut_tls.attention, memory_order_relaxed), 0))
        ut_critical_deliver();
}

#endif
