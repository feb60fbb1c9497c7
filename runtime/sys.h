/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls. The runtime must not call libc's wrappers: inside a preloaded process those
 * names are the shim's own. All return a result or -errno and leave errno alone.
 */
#ifndef UT_SYS_H
#define UT_SYS_H

#include "arch.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define ut_syscall5(n, a, b, c, d, e)                                                              \
    ut_syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define ut_syscall4(n, a, b, c, d) ut_syscall5(n, a, b, c, d, 0)
#define ut_syscall3(n, a, b, c) ut_syscall4(n, a, b, c, 0)
#define ut_syscall2(n, a, b) ut_syscall3(n, a, b, 0)
#define ut_syscall1(n, a) ut_syscall2(n, a, 0)
#define ut_syscall0(n) ut_syscall1(n, 0)

static inline long ut_sys_write(int fd, const void *data, size_t size)
{
    return ut_syscall3(SYS_write, fd, data, size);
}

/* Wait while *WORD is EXPECTED, at most until DEADLINE (CLOCK_MONOTONIC ns; INT64_MAX: forever). */
static inline long ut_sys_futex_wait(const void *word, uint32_t expected, int64_t deadline)
{
    if (deadline < 0) /* before the machine's start: the kernel would call that invalid */
        deadline = 0;
    struct timespec end = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    return ut_syscall6(SYS_futex, (long)word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                       deadline == INT64_MAX ? 0 : (long)&end, 0, FUTEX_BITSET_MATCH_ANY);
}

static inline long ut_sys_futex_wake(const void *word, int count)
{
    return ut_syscall3(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count);
}

/* Zeroed memory, or NULL. Not malloc: the program's own may call us back. */
static inline void *ut_sys_map(size_t size)
{
    long result = ut_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return result < 0 ? NULL : (void *)result;
}

#endif
