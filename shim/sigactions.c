/* SPDX-License-Identifier: MIT */
/*
 * Signal actions: sigaction(2), signal(2), and the older ways to say the same, which libc
 * implements with calls of its own that nobody sees: siginterrupt(3), sysv_signal(3), sigset(3).
 */
#include "sigactions.h"

#include "lock.h"
#include "real.h"
#include "signals.h"
#include "summary.h"

/* The program's own actions. A version is odd while its entry is being written. */
static struct {
    _Atomic uint32_t version;
    struct sigaction action;
} table[UT_SIGNALS];
static struct ut_lock table_lock;
static _Atomic bool wrapping; /* the runtime has started, here or in the process that forked this one */

struct sigaction ut_sigaction_of(int signal)
{
    struct sigaction action;
    uint32_t before;
    do {
        before = atomic_load_explicit(&table[signal].version, memory_order_acquire);
        action = table[signal].action;
        atomic_thread_fence(memory_order_acquire);
    } while (before % 2 || before != atomic_load(&table[signal].version));
    return action;
}

/* The caller holds the table's lock, in a critical section. */
static void enter(int signal, const struct sigaction *action)
{
    atomic_fetch_add(&table[signal].version, 1);
    atomic_thread_fence(memory_order_release);
    table[signal].action = *action;
    atomic_fetch_add_explicit(&table[signal].version, 1, memory_order_release);
}

bool ut_has_handler(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

bool ut_ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

void ut_sigaction_reset(int signal)
{
    table[signal].action.sa_handler = SIG_DFL;
}

static int change_action(int signal, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction kernel;
    int result = 0;
    ut_critical_begin();
    ut_lock_acquire(&table_lock);
    struct sigaction before = table[signal].action;
    if (action) {
        kernel = *action;
        if (ut_has_handler(action)) {
            kernel.sa_sigaction = ut_signals_trampoline; /* lets in what the mask lets in */
            kernel.sa_flags |= SA_SIGINFO;
            sigfillset(&kernel.sa_mask);
        }
        enter(signal, action);
        if (!ut_summary_owns(signal))
            result = real(sigaction)(signal, &kernel, NULL);
        if (result < 0)
            enter(signal, &before);
    }
    ut_lock_release(&table_lock);
    ut_critical_end();
    if (result == 0 && old)
        *old = before;
    return result;
}

UT_EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    if (!atomic_load_explicit(&wrapping, memory_order_acquire) || signal <= 0 ||
        signal >= UT_SIGNALS || signal == 32 || signal == 33)
        return real(sigaction)(signal, action, old);
    return change_action(signal, action, old);
}
UT_ALIAS(__sigaction, sigaction);

UT_EXPORT sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler}, old;
    if (!atomic_load_explicit(&wrapping, memory_order_acquire))
        return real(signal)(number, handler);
    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR || number < 1 || number >= UT_SIGNALS) {
        errno = EINVAL;
        return SIG_ERR;
    }
    action.sa_flags = ut_signal_interrupts(number) ? 0 : SA_RESTART;
    sigaddset(&action.sa_mask, number);
    return sigaction(number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}
UT_ALIAS(ssignal, signal);
UT_ALIAS(bsd_signal, signal);

void ut_signals_start(void)
{
    if (atomic_load(&wrapping))
        return; /* in a forked child: the table came with it, and the kernel has our own actions */
    ut_lock_acquire(&table_lock);
    for (int signal = 1; signal < UT_SIGNALS; signal++)
        if (signal != 32 && signal != 33)
            real(sigaction)(signal, NULL, &table[signal].action);
    ut_lock_release(&table_lock);
    atomic_store(&wrapping, true);
    for (int signal = 1; signal < UT_SIGNALS; signal++) {
        struct sigaction action = table[signal].action;
        if (signal != 32 && signal != 33 && ut_has_handler(&action))
            change_action(signal, &action, NULL);
    }
}

void ut_sigactions_fork_begin(void)
{
    ut_lock_acquire(&table_lock);
}

void ut_sigactions_fork_end(void)
{
    ut_lock_release(&table_lock);
}

void ut_sigactions_forked(void)
{
    table_lock = (struct ut_lock){0};
}
