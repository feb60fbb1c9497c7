/* SPDX-License-Identifier: MIT */
/* Time inside the runtime: CLOCK_MONOTONIC in nanoseconds; UT_FOREVER means no deadline. */
#ifndef UT_CLOCK_H
#define UT_CLOCK_H

#include <stdint.h>
#include <time.h>

#define UT_FOREVER INT64_MAX
#define UT_SECOND INT64_C(1000000000)
#define UT_MILLISECOND INT64_C(1000000)
#define UT_MICROSECOND INT64_C(1000)

/* Through the vDSO: it never blocks. (In the library this is the shim's, which passes it on.) */
static inline int64_t ut_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UT_SECOND + now.tv_nsec;
}

/* START + SPAN without overflow; both may be UT_FOREVER. */
static inline int64_t ut_clock_add(int64_t start, int64_t span)
{
    return span >= UT_FOREVER - start ? UT_FOREVER : start + span;
}

#endif
