/* SPDX-License-Identifier: MIT */
/* sched_setattr(2): for the normal policies sched_runtime is the slice in ns, 0 the usual one. */
#include "slice.h"

#include "clock.h"
#include "config.h"
#include "sys.h"

#include <sched.h>
#include <stdint.h>

struct attributes { /* the kernel's struct sched_attr, of which not every libc knows */
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least_use, most_use;
};

void ut_slice_set(int thread_id, bool brief)
{
    struct attributes attributes = {.size = sizeof attributes};
    if (!ut_config.slice_us ||
        ut_syscall4(SYS_sched_getattr, thread_id, &attributes, sizeof attributes, 0) < 0 ||
        (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH))
        return;
    attributes.runtime = brief ? ut_config.slice_us * (uint64_t)UT_MICROSECOND : 0;
    ut_syscall3(SYS_sched_setattr, thread_id, &attributes, 0);
}
