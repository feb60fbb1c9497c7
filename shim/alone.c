/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for each thread alone, and these calls change: setfsuid(2), capset(2), unshare(2),
 * setns(2), setpriority(2), nice(2), sched_setscheduler(2), personality(2), some of prctl(2), and with
 * syscall(2) the credentials, which libc changes for all threads.
 *
 * A coroutine shares its kernel thread with others, who would go on with one's file system user, or
 * directory, or time slices; and would leave it behind when it moves. So it gets a kernel thread of its own
 * first, for life, which ends with it; threads that it makes are native ones, and inherit. All of these
 * need a lane or none, and no critical section.
 */
#include "alone.h"

#include "native.h"
#include "real.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void ut_alone(void)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return;
    ut_native_bind(self);
    if (self->bound)
        atomic_load_explicit(&self->carrier, memory_order_relaxed)->altered = true;
}

bool ut_is_altered(const struct ut_coro *coro)
{
    return coro->bound && atomic_load_explicit(&coro->carrier, memory_order_relaxed)->altered;
}

/* The kernel does not know the ids of coroutines; 0 is the calling thread. */
static int known_to_kernel(int id)
{
    struct ut_coro *self = ut_shim_self();
    return self && id == (int)self->thread_id ? 0 : id;
}

UT_EXPORT int setfsuid(uid_t user)
{
    ut_alone();
    return real(setfsuid)(user);
}

UT_EXPORT int setfsgid(gid_t group)
{
    ut_alone();
    return real(setfsgid)(group);
}

int capset(cap_user_header_t header, const cap_user_data_t data); /* in no header of libc's */

UT_EXPORT int capset(cap_user_header_t header, const cap_user_data_t data)
{
    ut_alone();
    return real(capset)(header, data);
}

UT_EXPORT int unshare(int flags)
{
    ut_alone();
    return real(unshare)(flags);
}

UT_EXPORT int setns(int fd, int type)
{
    ut_alone();
    return real(setns)(fd, type);
}

UT_EXPORT int setpriority(__priority_which_t which, id_t who, int priority)
{
    if (which == PRIO_PROCESS && (who = (id_t)known_to_kernel((int)who)) == 0)
        ut_alone();
    return real(setpriority)(which, who, priority);
}

UT_EXPORT int nice(int change)
{
    ut_alone();
    return real(nice)(change);
}

UT_EXPORT int sched_setscheduler(pid_t thread, int policy, const struct sched_param *wanted)
{
    if ((thread = known_to_kernel(thread)) == 0)
        ut_alone();
    return real(sched_setscheduler)(thread, policy, wanted);
}

UT_EXPORT int sched_setparam(pid_t thread, const struct sched_param *wanted)
{
    if ((thread = known_to_kernel(thread)) == 0)
        ut_alone();
    return real(sched_setparam)(thread, wanted);
}

/* The beginning of the kernel's struct sched_attr. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
};

/* As GLib does for each thread of its pools, most often to what it has already. */
static bool changes_scheduling(const struct scheduling *wanted)
{
    struct {
        struct scheduling now;
        uint64_t rest[5];
    } attributes = {0};
    if (!ut_shim_readable(wanted, sizeof *wanted) || !wanted ||
        ut_syscall4(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0)
        return true;
    return wanted->policy != attributes.now.policy || wanted->nice != attributes.now.nice ||
           wanted->priority != attributes.now.priority;
}

int ut_set_scheduling(pid_t thread, const void *attributes, unsigned flags)
{
    if ((thread = known_to_kernel(thread)) == 0) {
        if (ut_shim_self() && !changes_scheduling(attributes))
            return 0;
        ut_alone();
    }
    return (int)ut_shim_return(ut_syscall3(SYS_sched_setattr, thread, attributes, flags));
}

int ut_get_scheduling(pid_t thread, void *attributes, unsigned size, unsigned flags)
{
    return (int)ut_shim_return(
        ut_syscall4(SYS_sched_getattr, known_to_kernel(thread), attributes, size, flags));
}

/* The same id where nothing is changed. */

UT_EXPORT int getpriority(__priority_which_t which, id_t who)
{
    return real(getpriority)(which, which == PRIO_PROCESS ? (id_t)known_to_kernel((int)who) : who);
}

UT_EXPORT int sched_getscheduler(pid_t thread)
{
    return real(sched_getscheduler)(known_to_kernel(thread));
}

UT_EXPORT int sched_getparam(pid_t thread, struct sched_param *param)
{
    return real(sched_getparam)(known_to_kernel(thread), param);
}

UT_EXPORT int personality(unsigned long persona)
{
    if (persona != 0xffffffff) /* which only asks */
        ut_alone();
    return real(personality)(persona);
}

bool ut_alone_for_prctl(int option)
{
    switch (option) {
    case PR_SET_PDEATHSIG:
    case PR_SET_KEEPCAPS:
    case PR_SET_TIMING:
    case PR_SET_SECCOMP:
    case PR_CAPBSET_DROP:
    case PR_SET_TSC:
    case PR_SET_SECUREBITS:
    case PR_SET_TIMERSLACK:
    case PR_MCE_KILL:
    case PR_SET_NO_NEW_PRIVS:
    case PR_CAP_AMBIENT:
    case PR_SET_SPECULATION_CTRL:
    case PR_SET_IO_FLUSHER:
        return true;
    default:
        return false;
    }
}
