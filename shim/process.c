/* SPDX-License-Identifier: MIT */
/*
 * Child processes: wait(2), wait4(2), waitid(2), system(3), posix_spawn(3), vfork(2).
 * Waiting is tried without blocking, then done in a blocking region. fork(2) is not
 * interposed: pthread_atfork handlers (init.c) do what is to be done.
 */
#include "fd.h"
#include "real.h"
#include "tail.h"

#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Waiting */

static pid_t await_child(struct ut_coro *self, const char *why, pid_t process, int *status,
                         int options, struct rusage *usage)
{
    ut_shim_cancellation_point(self);
    pid_t result = real(wait4)(process, status, options | WNOHANG, usage);
    if (result != 0 || (options & WNOHANG))
        return result;
    return UT_REGION(why, true, real(wait4)(process, status, options, usage));
}

UT_EXPORT pid_t wait4(pid_t process, int *status, int options, struct rusage *usage)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_child(self, "wait4", process, status, options, usage)
                : real(wait4)(process, status, options, usage);
}

UT_EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_child(self, "wait3", -1, status, options, usage)
                : real(wait3)(status, options, usage);
}

UT_EXPORT pid_t waitpid(pid_t process, int *status, int options)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_child(self, "waitpid", process, status, options, NULL)
                : real(waitpid)(process, status, options);
}
UT_ALIAS(__waitpid, waitpid);

UT_EXPORT pid_t wait(int *status)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_child(self, "wait", -1, status, 0, NULL) : real(wait)(status);
}
UT_ALIAS(__wait, wait);

UT_EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct ut_coro *self = ut_shim_self();
    siginfo_t unwanted, *found = info ? info : &unwanted;
    if (!self || (options & WNOHANG))
        return real(waitid)(type, id, info, options);
    ut_shim_cancellation_point(self);
    /* The kernel writes the info whenever it returns 0, with a zero pid if there is none yet. */
    if (real(waitid)(type, id, found, options | WNOHANG) < 0)
        return -1;
    if (found->si_pid)
        return 0;
    return UT_REGION("waitid", true, real(waitid)(type, id, info, options));
}

/* Starting. A child shares the open file descriptions; libc runs no fork handlers for these. */

static void share_descriptors(void)
{
    if (ut_shim_started())
        ut_fd_fork_parent();
}

/*
 * libc's system changes the kernel's signal mask around the wait. Should a handler run then, its
 * trampoline takes that mask for the coroutine's: put it right, while still on the same carrier.
 */
static int system_and_mask(const char *command)
{
    struct ut_coro *self = ut_shim_self();
    uint64_t mask = self ? atomic_load(&self->mask) : 0;
    int result = real(system)(command);
    if (self) {
        ut_coro_set_mask(self, mask);
        atomic_load_explicit(&self->carrier, memory_order_relaxed)->mask = mask;
    }
    return result;
}

UT_EXPORT int system(const char *command)
{
    struct ut_coro *self = ut_shim_self();
    if (self)
        ut_shim_cancellation_point(self);
    share_descriptors();
    return UT_REGION("system", true, system_and_mask(command));
}

UT_EXPORT int posix_spawn(pid_t *restrict process, const char *restrict path,
                          const posix_spawn_file_actions_t *restrict actions,
                          const posix_spawnattr_t *restrict attributes,
                          char *const arguments[restrict], char *const environment[restrict])
{
    share_descriptors();
    return UT_REGION("posix_spawn", false,
                     real(posix_spawn)(process, path, actions, attributes, arguments, environment));
}

UT_EXPORT int posix_spawnp(pid_t *restrict process, const char *restrict file,
                           const posix_spawn_file_actions_t *restrict actions,
                           const posix_spawnattr_t *restrict attributes,
                           char *const arguments[restrict], char *const environment[restrict])
{
    share_descriptors();
    return UT_REGION("posix_spawnp", false,
                     real(posix_spawnp)(process, file, actions, attributes, arguments,
                                        environment));
}

/*
 * A vfork's child runs on its parent's memory until it execs. It may close descriptors, change
 * masks and actions, and all that would be entered in the parent's tables. So once the runtime has
 * started it gets memory of its own, as POSIX has it, at some 200 µs instead of 60. Before that
 * nothing can go wrong, and programs that make many children without threads (shells, make) keep
 * the quick way; by a jump, because our frame would be overwritten before the second return.
 */
UT_EXPORT UT_TAIL_CALLER pid_t vfork(void)
{
    if (ut_shim_started())
        return fork();
    UT_TAIL_CALL real(vfork)();
}
UT_ALIAS(__vfork, vfork);
