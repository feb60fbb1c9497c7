/* SPDX-License-Identifier: MIT */
/* A call that is a jump: for functions that look at their return address, or return twice. */
#ifndef UT_TAIL_H
#define UT_TAIL_H

#if defined __has_attribute && __has_attribute(musttail)
#define UT_TAIL_CALLER
#define UT_TAIL_CALL __attribute__((musttail)) return
#else /* gcc before 15; optimised code has it anyway, this is for debug builds */
#define UT_TAIL_CALLER __attribute__((optimize("O2", "no-stack-protector")))
#define UT_TAIL_CALL return
#endif

#endif
