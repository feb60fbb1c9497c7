/* SPDX-License-Identifier: MIT */
#include "ours.h"

#include "lock.h"
#include "sys.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum {
    OURS = 8192,     /* six per lane, a few more */
    HIGH = 960,      /* where ours begin: high, but within the kernel's table of 1,024 */
};

/* Only added to, under the lock, and read without. */
static struct ut_lock keeping;
static int ours[OURS];
static _Atomic unsigned ours_count;
static _Atomic int lowest_of_ours = INT_MAX;

int ut_ours_from(void)
{
    struct rlimit limit;
    if (ut_syscall4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) < 0)
        return 0;
    return limit.rlim_cur < HIGH * 16 / 15 ? (int)limit.rlim_cur * 15 / 16 : HIGH;
}

/* The caller holds the lock. */
static int keep(int fd)
{
    unsigned index = atomic_load(&ours_count);
    if (fd < 0 || index == OURS)
        return fd;
    int high = (int)ut_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ut_ours_from());
    if (high >= 0) {
        ut_syscall1(SYS_close, fd);
        fd = high;
    }
    ours[index] = fd;
    if (fd < lowest_of_ours)
        lowest_of_ours = fd;
    atomic_store(&ours_count, index + 1);
    return fd;
}

int ut_ours_keep(int fd)
{
    ut_lock_acquire(&keeping);
    fd = keep(fd);
    ut_lock_release(&keeping);
    return fd;
}

/* libuv may have closed some of its own already; nobody else can have had the time to get them. */
void ut_ours_close(void)
{
    keeping = (struct ut_lock){0}; /* in a forked child its holder does not exist */
    unsigned count = atomic_exchange(&ours_count, 0);
    for (unsigned i = 0; i < count; i++)
        ut_syscall1(SYS_close, ours[i]);
    lowest_of_ours = INT_MAX;
}

bool ut_ours_has(int fd)
{
    unsigned count = atomic_load_explicit(&ours_count, memory_order_acquire);
    if (!count || fd < lowest_of_ours)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (ours[i] == fd)
            return true;
    return false;
}

int ut_ours_next(unsigned fd)
{
    unsigned count = atomic_load_explicit(&ours_count, memory_order_acquire);
    int next = -1;
    for (unsigned i = 0; i < count; i++)
        if ((unsigned)ours[i] >= fd && (next < 0 || ours[i] < next))
            next = ours[i];
    return next;
}

/* The first piece copies the table on the way; in the others nobody else's descriptors are left. */
int ut_ours_separate(int also)
{
    int flags = CLOSE_RANGE_UNSHARE;
    for (unsigned first = 0;;) {
        int kept = ut_ours_next(first);
        if (also >= 0 && (unsigned)also >= first && (kept < 0 || also < kept))
            kept = also;
        unsigned last = kept < 0 ? UINT_MAX : (unsigned)kept - 1;
        if (kept != (int)first) {
            long result = ut_syscall3(SYS_close_range, first, last, flags);
            if (result < 0)
                return (int)result;
            flags = 0;
        }
        if (kept < 0)
            return 0;
        first = (unsigned)kept + 1;
    }
}
