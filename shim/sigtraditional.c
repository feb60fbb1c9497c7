/* SPDX-License-Identifier: MIT */
/*
 * Signals as System V and BSD had them: sigset(3), sysv_signal(3), siginterrupt(3), sigblock(3),
 * sigpause(3). libc makes them of calls of its own that no preload sees, so here they are made, as
 * their manual pages say, of those that we know (signal/ in glibc).
 */
#define _XOPEN_SOURCE 500 /* the declarations that newer standards have dropped */
#include "real.h"
#include "sigactions.h"
#include "signals.h"

#include <string.h>

/* Old masks are one word: the first signals, bit n - 1 for signal n. */
static sigset_t wide(int bits)
{
    sigset_t set;
    unsigned word = (unsigned)bits;
    sigemptyset(&set);
    memcpy(&set, &word, sizeof word);
    return set;
}

static int narrow(const sigset_t *set)
{
    int bits;
    memcpy(&bits, set, sizeof bits);
    return bits;
}

static bool interrupts[UT_SIGNALS]; /* as siginterrupt has said: for later calls of signal() */

bool ut_signal_interrupts(int signal)
{
    return __atomic_load_n(&interrupts[signal], __ATOMIC_RELAXED);
}

UT_EXPORT int siginterrupt(int signal, int flag)
{
    struct sigaction action;
    if (!ut_shim_started() && real(siginterrupt)(signal, flag) < 0)
        return -1;
    if (sigaction(signal, NULL, &action) < 0)
        return -1;
    __atomic_store_n(&interrupts[signal], flag != 0, __ATOMIC_RELAXED);
    action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(signal, &action, NULL);
}

static sighandler_t change(int signal, sighandler_t handler, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR || signal < 1 || signal >= UT_SIGNALS) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return sigaction(signal, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

UT_EXPORT sighandler_t sysv_signal(int signal, sighandler_t handler)
{
    return change(signal, handler, SA_RESETHAND | SA_NODEFER);
}
extern __typeof__(sysv_signal) __sysv_signal;
UT_ALIAS(__sysv_signal, sysv_signal);

static int mask_one(int how, int signal, sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    return sigaddset(&set, signal) < 0 ? -1 : sigprocmask(how, &set, before);
}

UT_EXPORT int sighold(int signal)
{
    return mask_one(SIG_BLOCK, signal, NULL);
}

UT_EXPORT int sigrelse(int signal)
{
    return mask_one(SIG_UNBLOCK, signal, NULL);
}

UT_EXPORT int sigignore(int signal)
{
    return change(signal, SIG_IGN, 0) == SIG_ERR ? -1 : 0;
}

UT_EXPORT sighandler_t sigset(int signal, sighandler_t disposition)
{
    sigset_t before;
    struct sigaction old;
    if (disposition == SIG_HOLD) {
        if (mask_one(SIG_BLOCK, signal, &before) < 0 || sigaction(signal, NULL, &old) < 0)
            return SIG_ERR;
        return sigismember(&before, signal) ? SIG_HOLD : old.sa_handler;
    }
    sighandler_t handler = change(signal, disposition, 0);
    if (handler == SIG_ERR || mask_one(SIG_UNBLOCK, signal, &before) < 0)
        return SIG_ERR;
    return sigismember(&before, signal) ? SIG_HOLD : handler;
}

UT_EXPORT int sigblock(int bits)
{
    sigset_t set = wide(bits), old;
    return sigprocmask(SIG_BLOCK, &set, &old) < 0 ? -1 : narrow(&old);
}

UT_EXPORT int sigsetmask(int bits)
{
    sigset_t set = wide(bits), old;
    return sigprocmask(SIG_SETMASK, &set, &old) < 0 ? -1 : narrow(&old);
}

UT_EXPORT int siggetmask(void)
{
    return sigblock(0);
}

/* What sigpause means depends on the standard that was asked for: headers pass it on. */
extern int __sigpause(int signal_or_mask, int is_signal);

UT_EXPORT int __sigpause(int signal_or_mask, int is_signal)
{
    sigset_t set = wide(signal_or_mask);
    if (is_signal) {
        sigprocmask(SIG_BLOCK, NULL, &set);
        if (sigdelset(&set, signal_or_mask) < 0)
            return -1;
    }
    return sigsuspend(&set);
}

extern int pause_by_mask(int mask) __asm__("sigpause");
UT_EXPORT int pause_by_mask(int mask)
{
    return __sigpause(mask, 0);
}

extern int __xpg_sigpause(int signal);
UT_EXPORT int __xpg_sigpause(int signal)
{
    return __sigpause(signal, 1);
}
