/* SPDX-License-Identifier: MIT */
/*
 * A library with thread-local variables, for tcb.c. Those of the test program itself share a
 * block with the runtime's own, which outlive a thread; those of other modules must not.
 */
__thread int module_initialised = 1234;
__thread int module_zero;
__thread char module_text[64] = "as new";
