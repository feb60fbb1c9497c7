/* SPDX-License-Identifier: MIT */
/*
 * Waiting for signals: sigwait(3), sigtimedwait(2), sigsuspend(2), pause(2).
 * A signal of the process may come from anywhere, so these wait in the kernel, in a blocking
 * region, with the coroutine's own mask on the carrier. One directed at the coroutine is in
 * self->pending; its carrier gets a kick (signals.c), which is such a signal to the kernel.
 */
#include "real.h"
#include "signals.h"
#include "sigqueue.h"

#include <string.h>

/*
 * One wait in the kernel: the signal with its INFO, or -errno; -EAGAIN also when it was cut short
 * for a signal that is pending in SELF.
 */
static int await_kernel(struct ut_coro *self, const char *why, const sigset_t *set,
                        siginfo_t *info, const struct timespec *timeout)
{
    bool waits = !timeout || timeout->tv_sec || timeout->tv_nsec;
    int result = -EAGAIN, saved = errno;
    if (waits)
        ut_region_begin(self, why, true);
    atomic_store(&self->awaits_signals, true);
    ut_shake();
    /* Whoever directs a signal at us after this look finds us on our carrier and kicks that. */
    if (!(atomic_load(&self->pending) & ut_signal_bits(set))) {
        result = real(sigtimedwait)(set, info, timeout);
        if (result < 0)
            result = -errno;
    }
    atomic_store_explicit(&self->awaits_signals, false, memory_order_relaxed);
    if (waits)
        ut_region_end(self);
    errno = saved;
    return result;
}

/* A signal of SET, or -errno. INFO is written in any case. DEADLINE: UT_FOREVER, 0: do not wait. */
static int await_signal(struct ut_coro *self, const char *why, const sigset_t *set,
                        siginfo_t *info, int64_t deadline)
{
    for (;;) {
        struct timespec rest, *timeout = NULL;
        int signal = ut_sigqueue_take(self, ut_signal_bits(set), info);
        if (signal)
            return signal;
        if (deadline != UT_FOREVER) {
            int64_t left = deadline - ut_clock_now();
            left = left > 0 ? left : 0;
            rest = (struct timespec){.tv_sec = left / UT_SECOND, .tv_nsec = left % UT_SECOND};
            timeout = &rest;
        }
        signal = await_kernel(self, why, set, info, timeout);
        /* A kick may be for somebody who has left this carrier long ago. */
        if (signal > 0 && ut_signals_is_kick(info))
            continue;
        bool over = timeout && rest.tv_sec == 0 && rest.tv_nsec == 0;
        if (signal != -EAGAIN || over)
            return signal;
    }
}

/* As libc: the user of tkill, which is how threads signal each other, is told as kill's. */
static int report(int signal, siginfo_t *info, siginfo_t *wanted)
{
    if (signal > 0 && wanted) {
        if (info->si_code == SI_TKILL)
            info->si_code = SI_USER;
        *wanted = *info;
    }
    return (int)ut_shim_return(signal);
}

UT_EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                           const struct timespec *restrict timeout)
{
    struct ut_coro *self = ut_shim_self();
    siginfo_t found;
    if (!self || (timeout && (!ut_shim_valid_time(timeout) || timeout->tv_sec < 0)))
        return real(sigtimedwait)(set, info, timeout);
    ut_shim_cancellation_point(self);
    bool polls = timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
    int64_t deadline = polls ? 0 : ut_shim_timeout(timeout);
    return report(await_signal(self, "sigtimedwait", set, &found, deadline), &found, info);
}

UT_EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    struct ut_coro *self = ut_shim_self();
    siginfo_t found;
    if (!self)
        return real(sigwaitinfo)(set, info);
    ut_shim_cancellation_point(self);
    return report(await_signal(self, "sigwaitinfo", set, &found, UT_FOREVER), &found, info);
}

UT_EXPORT int sigwait(const sigset_t *restrict set, int *restrict signal)
{
    struct ut_coro *self = ut_shim_self();
    siginfo_t found;
    int result;
    if (!self)
        return real(sigwait)(set, signal);
    ut_shim_cancellation_point(self);
    do
        result = await_signal(self, "sigwait", set, &found, UT_FOREVER);
    while (result == -EINTR); /* sigwait(3) does not know that error */
    if (result < 0)
        return -result;
    *signal = result;
    return 0;
}

/* Run the handlers of what is pending for SELF under MASK, then go back to BEFORE. */
static void deliver_under(const sigset_t *mask, const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, mask, NULL);
    ut_signals_deliver(); /* the masks may be equal: then the line above did nothing */
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Wait in the kernel with MASK, unless something is pending that MASK lets through. */
static void suspend(struct ut_coro *self, const char *why, const sigset_t *mask, uint64_t before)
{
    ut_region_begin(self, why, true);
    /* From here on others direct signals at us by the new mask, which sigsuspend makes true. */
    ut_coro_set_mask(self, ut_signal_bits(mask));
    atomic_store(&atomic_load_explicit(&self->carrier, memory_order_relaxed)->mask,
                 ut_signal_bits(mask));
    ut_shake();
    if (!(atomic_load(&self->pending) & ~ut_signal_bits(mask)))
        real(sigsuspend)(mask);
    /* The kernel has gone back already; a handler's trampoline may have noted something else. */
    ut_coro_set_mask(self, before);
    atomic_load_explicit(&self->carrier, memory_order_relaxed)->mask = before;
    ut_region_end(self);
}

/* Until a handler has run: SET, or else the thread's own mask, is in force meanwhile. */
static int suspend_until_handled(struct ut_coro *self, const char *why, const sigset_t *set)
{
    ut_shim_cancellation_point(self); /* also forgets that a handler ran before */
    sigset_t mask, old;
    pthread_sigmask(SIG_SETMASK, NULL, &old);
    mask = set ? *set : old;
    sigdelset(&mask, SIGKILL);
    sigdelset(&mask, SIGSTOP);
    while (!self->handled) { /* a kick for another coroutine is no reason to return */
        suspend(self, why, &mask, ut_signal_bits(&old));
        if (atomic_load(&self->pending) & ~ut_signal_bits(&mask))
            deliver_under(&mask, &old);
    }
    self->must_report = self->handled = false;
    errno = EINTR;
    return -1;
}

UT_EXPORT int sigsuspend(const sigset_t *set)
{
    struct ut_coro *self = ut_shim_self();
    return self ? suspend_until_handled(self, "sigsuspend", set) : real(sigsuspend)(set);
}

/* Waits for any signal, of the process too: for that it needs its kernel thread. */
UT_EXPORT int pause(void)
{
    struct ut_coro *self = ut_shim_self();
    return self ? suspend_until_handled(self, "pause", NULL) : real(pause)();
}
