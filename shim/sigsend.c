/* SPDX-License-Identifier: MIT */
/*
 * Sending signals, to one thread: pthread_kill(3), pthread_sigqueue(3), raise(3), tgkill(2); and to the
 * process itself: kill(2), killpg(3), sigqueue(3).
 */
#include "real.h"
#include "sigmask.h"
#include "sigactions.h"
#include "signals.h"
#include "sigqueue.h"

static bool blocks(const struct ut_coro *coro, int signal)
{
    return atomic_load(&coro->mask) & ut_signal_bit(signal);
}

static int direct_at(struct ut_coro *coro, int signal, int code, union sigval value)
{
    if (signal < 0 || signal >= UT_SIGNALS || signal == 32 || signal == 33)
        return EINVAL;
    if (signal == 0 || (atomic_load(&coro->life) & UT_CORO_FINISHED))
        return 0;
    if (ut_sigaction_of(signal).sa_handler == SIG_DFL && !ut_ignored_by_default(signal) &&
        !blocks(coro, signal)) {
        ut_signals_default_action(signal); /* fatal or stopping: concerns the process */
        return 0;
    }
    if (code == SI_QUEUE && ut_sigqueue_full())
        return EAGAIN;
    siginfo_t info = {.si_signo = signal, .si_code = code};
    info.si_pid = (pid_t)ut_syscall0(SYS_getpid);
    info.si_uid = (uid_t)ut_syscall0(SYS_getuid);
    info.si_value = value;
    ut_signals_direct(coro, &info);
    return 0;
}

UT_EXPORT int pthread_kill(pthread_t thread, int signal)
{
    struct ut_coro *coro = ut_coro_find(thread);
    return coro ? direct_at(coro, signal, SI_TKILL, (union sigval){0})
                : real(pthread_kill)(thread, signal);
}

UT_EXPORT int pthread_sigqueue(pthread_t thread, int signal, const union sigval value)
{
    struct ut_coro *coro = ut_coro_find(thread);
    return coro ? direct_at(coro, signal, SI_QUEUE, value)
                : real(pthread_sigqueue)(thread, signal, value);
}

UT_EXPORT int raise(int signal)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !blocks(self, signal > 0 ? signal : 1))
        return real(raise)(signal); /* arrives on this carrier, before raise returns */
    return (int)ut_shim_return(-direct_at(self, signal, SI_TKILL, (union sigval){0}));
}
UT_ALIAS(gsignal, raise);

/* Sending to one thread by its kernel id, which for a coroutine is virtual. */

struct ut_coro *ut_signals_find(pid_t thread)
{
    struct ut_coro *coro = NULL;
    while ((coro = ut_coro_next(coro)))
        if (coro->thread_id == (uint32_t)thread)
            return coro;
    return NULL;
}

UT_EXPORT int tgkill(pid_t process, pid_t thread, int signal)
{
    struct ut_coro *coro = ut_shim_started() && thread > 0 ? ut_signals_find(thread) : NULL;
    if (!coro || process != getpid())
        return real(tgkill)(process, thread, signal);
    if (atomic_load(&coro->life) & (UT_CORO_FINISHED | UT_CORO_POOLED))
        return (int)ut_shim_return(-ESRCH);
    return (int)ut_shim_return(-pthread_kill(coro->handle, signal));
}

/* Sending to the process */

/*
 * A signal that all threads block stays pending. Who has seen that all block it may send it at once: not before
 * the kernel threads, which follow a little later, do so. Stack: any. Lane: as the caller. Async-signal-safe, as
 * kill(2) is.
 */
static void await_masks(pid_t process, int signal)
{
    if (signal > 0 && signal < UT_SIGNALS && (process <= 0 || process == getpid()) &&
        ut_shim_started())
        ut_sigmask_await(ut_signal_bit(signal));
}

UT_EXPORT int kill(pid_t process, int signal)
{
    await_masks(process, signal);
    return real(kill)(process, signal);
}

UT_EXPORT int killpg(pid_t group, int signal)
{
    await_masks(0, signal); /* perhaps its own */
    return real(killpg)(group, signal);
}

UT_EXPORT int sigqueue(pid_t process, int signal, const union sigval value)
{
    await_masks(process, signal);
    return real(sigqueue)(process, signal, value);
}
