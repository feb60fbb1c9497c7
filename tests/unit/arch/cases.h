/* SPDX-License-Identifier: MIT */
/*
 * The context switch's cases, alike for all machines: run by Criterion for this one (switch.c)
 * and by a stand-alone program, static and without libraries, for others (alone.c).
 */
#ifndef UNIT_CASES_H
#define UNIT_CASES_H

struct switch_case {
    const char *name;
    const char *(*run)(void); /* NULL, or what went wrong */
};

extern const struct switch_case switch_cases[]; /* ends with an empty one */

#endif
