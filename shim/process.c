/* SPDX-License-Identifier: MIT */
/*
 * Child processes: wait(2), wait4(2), waitid(2), posix_spawn(3), vfork(2); system(3) has
 * system.c. The status is always taken by the kernel's own call with WNOHANG; for the time until
 * there is one, one certain child needs no kernel thread, and a set of children one
 * in all (child.h). fork(2) is not interposed: pthread_atfork handlers (init.c) do what is to be done.
 */
#include "process.h"

#include "child.h"
#include "fd.h"
#include "real.h"
#include "tail.h"

#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>

/* Waiting */

/* One call: wait4's arguments or, with BY_ID, waitid's. The set is in waitid's words in any case. */
struct wait_call {
    const char *why;
    struct ut_child_set set;
    bool by_id;
    pid_t process;
    int *status;
    siginfo_t *info; /* may be NULL */
    struct rusage *usage;
    long result; /* the kernel's, or -errno */
};

/*
 * Look, without waiting. True: the call has its RESULT. No cancellation point; critical sections
 * may be open. The kernel writes the info whenever it returns 0, with a zero pid if there is none yet.
 */
static bool look(struct wait_call *call)
{
    siginfo_t unwanted, *info = call->info ? call->info : &unwanted;
    int options = call->set.options | WNOHANG;
    if (!call->by_id) {
        call->result = ut_syscall4(SYS_wait4, call->process, call->status, options, call->usage);
        return call->result != 0;
    }
    call->result = ut_syscall5(SYS_waitid, call->set.type, call->set.id, info, options, call->usage);
    return call->result < 0 || info->si_pid;
}

/* The call as it is, with a kernel thread. */
static void block(struct wait_call *call)
{
    long result;
    if (call->by_id && !call->usage)
        result = UT_REGION(call->why, true, real(waitid)((idtype_t)call->set.type,
                                                         (id_t)call->set.id, call->info,
                                                         call->set.options));
    else if (call->by_id) /* by syscall() only, which is no cancellation point */
        result = UT_REGION(call->why, true, ut_shim_return(ut_syscall5(
            SYS_waitid, call->set.type, call->set.id, call->info, call->set.options, call->usage)));
    else
        result = UT_REGION(call->why, true, real(wait4)(call->process, call->status,
                                                        call->set.options, call->usage));
    call->result = result < 0 ? -errno : result;
}

/*
 * After a wait of SELF that ended with ERROR, still in the critical section: look again, and then let
 * the handlers run. In this order, as the kernel does: if a child has ended there is no EINTR,
 * and a handler for SIGCHLD does not find the child that this call was waiting for. True: finished.
 */
static bool look_after_wait(struct ut_coro *self, struct wait_call *call, int error)
{
    bool done = look(call);
    ut_critical_end();
    if (done || error != -EINTR)
        return done;
    call->result = ut_shim_attend(self, true);
    return call->result < 0 || look(call);
}

/* One certain child's end. True: finished; else it takes a kernel thread after all. */
static bool park(struct ut_coro *self, struct wait_call *call)
{
    int error;
    do {
        ut_critical_begin();
        error = ut_child_wait(call->set.id, call->why);
        if (look_after_wait(self, call, error))
            return true;
    } while (error == -EINTR);
    return false;
}

/* The same by a pidfd of the program's own. */
static bool park_at_descriptor(struct ut_coro *self, struct wait_call *call)
{
    struct ut_fd_use use;
    int error = 0;
    if (ut_fd_nonblocking(call->set.id)) /* PIDFD_NONBLOCK: EAGAIN */
        return false;
    while (ut_fd_use(&use, call->set.id, UT_FD_READ)) {
        if (look(call))
            return true;
        ut_critical_begin();
        error = ut_fd_wait(&use, NULL, call->why, UT_FOREVER);
        if (look_after_wait(self, call, error))
            return true;
        /* Ended, but not for us yet: a tracer has it. */
        struct pollfd end = {.fd = call->set.id, .events = POLLIN};
        struct timespec none = {0};
        if ((error < 0 && error != -EINTR) || ut_syscall5(SYS_ppoll, &end, 1, &none, NULL, 0) != 0)
            return false;
    }
    return false;
}

/* Also when a cancellation unwinds. */
static void end_turn(struct ut_child_turn *turn)
{
    ut_critical_begin();
    ut_child_turn_end(turn);
    ut_critical_end();
}

/* Any child of a set: one of all who wait for it holds a kernel thread. */
static void await_turn(struct ut_coro *self, struct wait_call *call)
{
    __attribute__((cleanup(end_turn))) struct ut_child_turn turn;
    int error;
    ut_critical_begin();
    ut_child_turn_begin(&turn, call->set);
    ut_critical_end();
    do {
        ut_critical_begin();
        error = ut_child_turn_wait(&turn, call->why);
        if (look_after_wait(self, call, error))
            return;
    } while (error == -EINTR);
    block(call);
}

/* Is it ends only that CALL waits for? Nothing but the kernel tells of stops. */
static bool wants_ends(const struct wait_call *call)
{
    return call->by_id ? (call->set.options & ~WNOWAIT) == WEXITED : call->set.options == 0;
}

static long await(struct ut_coro *self, struct wait_call *call)
{
    bool certain = call->set.type == P_PID || call->set.type == P_PIDFD;
    ut_shim_cancellation_point(self);
    if (look(call) || (call->set.options & WNOHANG))
        return call->result;
    if (!certain)
        await_turn(self, call);
    else if (!wants_ends(call) ||
             !(call->set.type == P_PID ? park(self, call) : park_at_descriptor(self, call)))
        block(call);
    return call->result;
}

static pid_t await_process(struct ut_coro *self, const char *why, pid_t process, int *status,
                           int options, struct rusage *usage)
{
    struct wait_call call = {
        .why = why, .process = process, .status = status, .usage = usage,
        .set = {.type = process > 0 ? P_PID : process == -1 ? P_ALL : P_PGID,
                .id = process, .options = options},
    };
    return (pid_t)ut_shim_return(await(self, &call));
}

UT_EXPORT pid_t wait4(pid_t process, int *status, int options, struct rusage *usage)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_process(self, "wait4", process, status, options, usage)
                : real(wait4)(process, status, options, usage);
}

UT_EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_process(self, "wait3", -1, status, options, usage)
                : real(wait3)(status, options, usage);
}

UT_EXPORT pid_t waitpid(pid_t process, int *status, int options)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_process(self, "waitpid", process, status, options, NULL)
                : real(waitpid)(process, status, options);
}
UT_ALIAS(__waitpid, waitpid);

UT_EXPORT pid_t wait(int *status)
{
    struct ut_coro *self = ut_shim_self();
    return self ? await_process(self, "wait", -1, status, 0, NULL) : real(wait)(status);
}
UT_ALIAS(__wait, wait);

long ut_process_waitid(struct ut_coro *self, int type, int id, siginfo_t *info, int options,
                       struct rusage *usage)
{
    struct wait_call call = {
        .why = "waitid", .by_id = true, .info = info, .usage = usage,
        .set = {.type = type, .id = id, .options = options},
    };
    return ut_shim_return(await(self, &call));
}

UT_EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (options & WNOHANG))
        return real(waitid)(type, id, info, options);
    return (int)ut_process_waitid(self, (int)type, (int)id, info, options, NULL);
}

/* Starting */

void ut_process_before_child(void)
{
    struct ut_coro *self = ut_shim_self();
    if (ut_shim_started())
        ut_fd_fork_parent();
    if (self)
        ut_sched_usual_slice(self);
}

UT_EXPORT int posix_spawn(pid_t *restrict process, const char *restrict path,
                          const posix_spawn_file_actions_t *restrict actions,
                          const posix_spawnattr_t *restrict attributes,
                          char *const arguments[restrict], char *const environment[restrict])
{
    ut_process_before_child();
    return UT_REGION("posix_spawn", true,
                     real(posix_spawn)(process, path, actions, attributes, arguments, environment));
}

UT_EXPORT int posix_spawnp(pid_t *restrict process, const char *restrict file,
                           const posix_spawn_file_actions_t *restrict actions,
                           const posix_spawnattr_t *restrict attributes,
                           char *const arguments[restrict], char *const environment[restrict])
{
    ut_process_before_child();
    return UT_REGION("posix_spawnp", true,
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
