/* SPDX-License-Identifier: MIT */
/*
 * Signals: sigaction(2), signal(2), pthread_sigmask(3), pthread_kill(3), raise(3), signal(7).
 *
 * The kernel knows carriers and native threads only. A coroutine's mask is loaded into its carrier
 * when it differs, so what the kernel delivers arrives on the right stack with the right
 * TCB. Our trampoline stands in front of every handler, for three cases:
 *
 *   - a critical section is open (critical.h): the signal waits in the thread's own ut_tls, with
 *     everything blocked, and the handler runs when the section closes. The idea is FreeBSD libthr's.
 *   - a carrier is on its own stack: the signal goes on to a coroutine that does not block it.
 *   - a signal directed at one coroutine (pthread_kill): it is pending in the coroutine. If it
 *     waits, its wait ends; if it runs, its carrier gets the same signal with a marker, to end
 *     a system call; the handler then runs on the coroutine's stack, wherever that is resumed.
 */
#include "signals.h"

#include "cancel.h"
#include "carrier.h"
#include "lock.h"
#include "reactor.h"
#include "real.h"
#include "stack.h"
#include "summary.h"
#include "timers.h"
#include "wait.h"

#include <limits.h>
#include <string.h>
#include <ucontext.h>

enum { SIGNALS = 65 };

#define LIBC_OWN (UINT64_C(3) << 31) /* 32 and 33, which programs can neither block nor handle */

/* The program's own actions. A version is odd while its entry is being written. */
static struct {
    _Atomic uint32_t version;
    struct sigaction action;
} table[SIGNALS];
static struct ut_lock table_lock;
static _Atomic bool wrapping; /* the runtime has started */
static char kick_marker;      /* its address in si_ptr says: look at what is pending */

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static uint64_t set_bits(const sigset_t *set)
{
    uint64_t bits;
    memcpy(&bits, set, sizeof bits); /* the kernel's signals; sigset_t has room for more */
    return bits;
}

static struct sigaction look_up(int signal)
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

static bool has_handler(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static bool ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

/* Masks */

/* Say what the calling kernel thread's mask is by now. */
static void note_mask(struct ut_coro *self, uint64_t mask)
{
    mask &= ~LIBC_OWN; /* blocked for moments only, while libc's own handler runs below us */
    ut_coro_set_mask(self, mask);
    atomic_load_explicit(&self->carrier, memory_order_relaxed)->mask = mask;
}

static void block_all(void)
{
    uint64_t all = UT_MASK_ALL;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
}

/*
 * In this order: a handler that comes between the two notes the kernel's mask at its end, which
 * by then is MASK, too. The other way round it would note the old one after us.
 */
static void set_mask(struct ut_coro *self, uint64_t mask)
{
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
    ut_shake();
    if (self)
        note_mask(self, mask);
}

/* Handlers */

static uint64_t mask_during(const struct sigaction *action, int signal, uint64_t before)
{
    uint64_t mask = before | set_bits(&action->sa_mask);
    return action->sa_flags & SA_NODEFER ? mask : mask | bit(signal);
}

static void call(const struct sigaction *action, siginfo_t *info, void *context)
{
    struct ut_coro *self = ut_tls.coro;
    if (self) {
        self->handled = true;
        self->must_report |= !(action->sa_flags & SA_RESTART);
    }
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(info->si_signo, info, context);
    else
        action->sa_handler(info->si_signo);
}

static void default_action(int signal)
{
    if (ignored_by_default(signal))
        return;
    ut_syscall2(SYS_kill, ut_syscall0(SYS_getpid), signal); /* the kernel's action is default, too */
}

/* INFO of a timer that signals a coroutine goes there. True if it was not for the caller. */
static bool is_anothers(siginfo_t *info)
{
    struct ut_coro *coro;
    if (!ut_timers_target(info, &coro) || (coro && coro == ut_tls.coro))
        return false;
    if (coro)
        ut_signals_direct(coro, info);
    return true;
}

/*
 * Run the handler for INFO on the calling thread as the kernel would have. BEFORE: the mask to go
 * back to. No critical section is open. IN_KICK: the trampoline's return will load that mask, and
 * not before: else each handler that has run would let in the kick for the next, on top of
 * this frame, and so on until the stack is full.
 */
static void deliver(siginfo_t *info, uint64_t before, bool in_kick)
{
    struct ut_coro *self = ut_tls.coro;
    int signal = info->si_signo;
    struct sigaction action = look_up(signal);
    ucontext_t context;
    if (signal == UT_SIGCANCEL) {
        set_mask(self, before);
        ut_cancel_by_signal(info, NULL);
        return;
    }
    if (is_anothers(info)) {
        set_mask(self, before);
        return;
    }
    if (!has_handler(&action)) {
        set_mask(self, before);
        if (action.sa_handler == SIG_DFL)
            default_action(signal);
        return;
    }
    if (action.sa_flags & SA_RESETHAND) {
        struct sigaction reset = {.sa_handler = SIG_DFL};
        sigaction(signal, &reset, NULL);
    }
    getcontext(&context);
    memcpy(&context.uc_sigmask, &before, sizeof before);
    bool nested = self && self->mask_unsure;
    if (self && !nested) {
        self->mask_unsure = true; /* first: a handler that comes between leaves the other alone */
        self->mask_before = before;
    }
    set_mask(self, mask_during(&action, signal, before));
    ut_shake();
    call(&action, info, &context);
    ut_shake();
    if (in_kick) {
        block_all();
        note_mask(self, set_bits(&context.uc_sigmask));
    } else {
        set_mask(self, set_bits(&context.uc_sigmask));
    }
    if (self)
        self->mask_unsure = nested;
}

int ut_signals_take(struct ut_coro *self, uint64_t set, siginfo_t *info)
{
    if (!(atomic_load(&self->pending) & set))
        return 0;
    ut_critical_begin();
    ut_lock_acquire(&self->lock);
    uint64_t ready = atomic_load(&self->pending) & set;
    int signal = ready ? __builtin_ctzll(ready) + 1 : 0;
    *info = self->pending_info;
    if (signal)
        atomic_fetch_and(&self->pending, ~bit(signal));
    ut_lock_release(&self->lock);
    ut_critical_end();
    if (signal && info->si_signo != signal)
        *info = (siginfo_t){.si_signo = signal, .si_code = SI_TKILL};
    return signal;
}

bool ut_signals_is_kick(const siginfo_t *info)
{
    return info->si_code == SI_QUEUE && info->si_ptr == &kick_marker;
}

/* Run what is pending for SELF and not blocked. True if there was something. */
static bool deliver_pending(struct ut_coro *self, bool in_kick)
{
    for (bool any = false;; any = true) {
        siginfo_t info;
        uint64_t mask = atomic_load_explicit(&self->mask, memory_order_relaxed);
        if (!ut_signals_take(self, ~mask, &info))
            return any;
        deliver(&info, mask, in_kick);
    }
}

/* A coroutine that takes SIGNAL, for one that the kernel gave to a carrier. */
static struct ut_coro *find_taker(int signal)
{
    struct ut_coro *coro = NULL;
    while ((coro = ut_coro_next(coro)))
        if (!(atomic_load(&coro->life) & (UT_CORO_FINISHED | UT_CORO_POOLED)) &&
            !(atomic_load(&coro->mask) & bit(signal)))
            return coro;
    return NULL;
}

static void forward(siginfo_t *info)
{
    if (info->si_signo == UT_SIGCANCEL)
        return; /* its target knows by itself: pthread_cancel asked for its attention */
    if (is_anothers(info))
        return;
    struct ut_coro *taker = find_taker(info->si_signo);
    if (taker)
        ut_signals_direct(taker, info);
    else /* everybody blocks it by now: it stays pending for the process */
        ut_syscall2(SYS_kill, ut_syscall0(SYS_getpid), info->si_signo);
}

void ut_signals_deliver(void)
{
    struct ut_tls *tls = &ut_tls;
    struct ut_coro *self = tls->coro;
    atomic_store_explicit(&tls->attention, false, memory_order_relaxed);
    ut_shake();
    if (tls->deferred) {
        siginfo_t info[UT_TLS_DEFERRED];
        uint64_t mask = tls->deferred_mask;
        unsigned count = tls->deferred;
        memcpy(info, tls->deferred_info, count * sizeof *info);
        tls->deferred = 0;
        for (unsigned i = 0; i < count; i++)
            if (tls->internal)
                forward(&info[i]);
            else
                deliver(&info[i], mask, false);
    }
    if (!self)
        return;
    deliver_pending(self, false);
    if (ut_shim_cancel_pending(self))
        ut_cancel_asynchronously();
}

static bool is_fault(int signal, const siginfo_t *info)
{
    return info->si_code > 0 && info->si_code != SI_KERNEL &&
           (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
            signal == SIGTRAP || signal == SIGSYS);
}

/* Keep INFO for the end of the critical section; nothing else may come until then. */
static void defer(struct ut_tls *tls, const siginfo_t *info, ucontext_t *context)
{
    uint64_t before = set_bits(&context->uc_sigmask), all = UT_MASK_ALL;
    block_all(); /* libc's own signal leaves others in */
    memcpy(&context->uc_sigmask, &all, sizeof all); /* in force when the trampoline returns */
    if (tls->deferred == UT_TLS_DEFERRED) { /* back to the process, where it stays pending */
        ut_syscall2(SYS_kill, ut_syscall0(SYS_getpid), info->si_signo);
        return;
    }
    tls->deferred_info[tls->deferred++] = *info;
    tls->deferred_mask = before & ~LIBC_OWN;
    atomic_store_explicit(&tls->attention, true, memory_order_relaxed);
    if (tls->coro) {
        atomic_load_explicit(&tls->coro->carrier, memory_order_relaxed)->mask = all;
        atomic_store(&tls->coro->interrupted, true); /* its wait, if it is about to, ends at once */
    } else if (tls->carrier) {
        tls->carrier->mask = all;
        if (tls->carrier->lane)
            ut_reactor_poke(tls->carrier->lane->reactor); /* async-signal-safe: uv_async_send(3) */
    }
}

/* glibc's own signal for cancellation: its handler, but not in a critical section. */
void ut_signals_cancel_trampoline(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    if (ut_tls.critical)
        defer(&ut_tls, info, context);
    else
        ut_cancel_by_signal(info, context);
}

/* The handler's frame is gone, but not by its return: the kernel's mask is still the handler's. */
void ut_signals_left_handler(void)
{
    struct ut_coro *self = ut_tls.coro;
    if (!self)
        return;
    uint64_t mask = self->mask_unsure ? self->mask_before : atomic_load(&self->mask);
    self->mask_unsure = false;
    self->handler_frame = NULL;
    set_mask(self, mask);
}

/* Have a kernel thread look at what is pending for its coroutine, and end its system call. */
static void kick(int thread_id, int signal)
{
    siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
    info.si_ptr = &kick_marker;
    ut_syscall4(SYS_rt_tgsigqueueinfo, ut_syscall0(SYS_getpid), thread_id, signal, &info);
}

/* Between these two SELF does not yield, see sched.c. The frame is the one that calls the handler. */
static void *enter_handler(struct ut_coro *self, void *frame)
{
    void *outer = self->handler_frame;
    self->handler_frame = frame;
    return outer;
}

static void leave_handler(struct ut_coro *self, void *outer)
{
    self->handler_frame = outer;
}

/* sigreturn will load the mask that is now SELF's, on whichever carrier we are by then. */
static void return_with_mask(struct ut_coro *self, ucontext_t *context, uint64_t mask)
{
    block_all(); /* a trampoline that came now would note, after us, a mask that is none of ours */
    memcpy(&context->uc_sigmask, &mask, sizeof mask);
    note_mask(self, mask);
}

/*
 * The signal means: look what is pending. It may have come between a change of the kernel's mask
 * and the note of it: the kernel's counts.
 */
static void take_kick(struct ut_coro *self, ucontext_t *context)
{
    note_mask(self, set_bits(&context->uc_sigmask));
    void *outer = enter_handler(self, __builtin_frame_address(0));
    bool any = deliver_pending(self, true);
    leave_handler(self, outer);
    if (any) /* their handlers may have changed it */
        return_with_mask(self, context, atomic_load_explicit(&self->mask, memory_order_relaxed));
}

/*
 * The kernel calls it with everything blocked. So nothing comes in between whose trampoline
 * would take the mask of this one for the thread's.
 */
static void trampoline(int signal, siginfo_t *info, void *opaque)
{
    struct ut_tls *tls = &ut_tls;
    struct ut_coro *self = tls->coro;
    ucontext_t *context = opaque;
    if (ut_signals_is_kick(info)) {
        if (self && !tls->critical)
            take_kick(self, context);
        return;
    }
    if (tls->critical && !is_fault(signal, info)) {
        defer(tls, info, context);
        return;
    }
    struct sigaction action = look_up(signal);
    if (!has_handler(&action) || is_anothers(info)) /* no handler: changed a moment ago */
        return;
    if (action.sa_flags & SA_RESETHAND)
        table[signal].action.sa_handler = SIG_DFL; /* as the kernel has done */
    uint64_t before = set_bits(&context->uc_sigmask);
    if (!self) {
        set_mask(NULL, mask_during(&action, signal, before));
        call(&action, info, opaque);
        return;
    }
    bool nested = self->mask_unsure;
    self->mask_unsure = true;
    if (!nested)
        self->mask_before = before;
    ut_shake();
    void *outer = enter_handler(self, __builtin_frame_address(0));
    set_mask(self, mask_during(&action, signal, before));
    call(&action, info, opaque);
    leave_handler(self, outer);
    ut_shake();
    before = set_bits(&context->uc_sigmask);
    return_with_mask(self, context, before);
    self->mask_unsure = nested;
    ut_shake();
    /* Who directed one at us before that note took it for blocked: it comes right after sigreturn. */
    uint64_t pending = atomic_load(&self->pending) & ~before;
    if (pending)
        kick((int)ut_syscall0(SYS_gettid), __builtin_ctzll(pending) + 1);
}

/* Directed signals */

int ut_signals_direct(struct ut_coro *coro, const siginfo_t *info)
{
    int signal = info->si_signo;
    struct sigaction action = look_up(signal);
    if (action.sa_handler == SIG_IGN ||
        (action.sa_handler == SIG_DFL && ignored_by_default(signal)))
        return 0;
    ut_count(signals_directed);
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    coro->pending_info = *info;
    atomic_fetch_or(&coro->pending, bit(signal));
    ut_lock_release(&coro->lock);
    if (!(atomic_load(&coro->mask) & bit(signal))) {
        /* In this order: who clears the second then looks at the first (attend, in cancel.c). */
        atomic_store(&coro->tls->attention, true);
        ut_shake();
        atomic_store(&coro->interrupted, true);
        ut_shake();
        ut_wait_interrupt(coro);
    }
    int thread_id = coro == ut_tls.coro ? 0 : ut_carrier_of(coro);
    ut_shake();
    if (thread_id)
        kick(thread_id, signal);
    ut_critical_end(); /* our own: runs the handler */
    return 0;
}

static int direct_at(struct ut_coro *coro, int signal, int code, union sigval value)
{
    if (signal < 0 || signal >= SIGNALS || signal == 32 || signal == 33)
        return EINVAL;
    if (signal == 0 || (atomic_load(&coro->life) & UT_CORO_FINISHED))
        return 0;
    if (look_up(signal).sa_handler == SIG_DFL && !ignored_by_default(signal) &&
        !(atomic_load(&coro->mask) & bit(signal))) {
        default_action(signal); /* fatal or stopping: concerns the process */
        return 0;
    }
    siginfo_t info = {.si_signo = signal, .si_code = code};
    info.si_pid = (pid_t)ut_syscall0(SYS_getpid);
    info.si_uid = (uid_t)ut_syscall0(SYS_getuid);
    info.si_value = value;
    return ut_signals_direct(coro, &info);
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
    if (!self || !(atomic_load(&self->mask) & bit(signal ? signal : 1)))
        return real(raise)(signal); /* arrives on this carrier, before raise returns */
    return (int)ut_shim_return(-direct_at(self, signal, SI_TKILL, (union sigval){0}));
}

/* Actions and masks */

static int change_action(int signal, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction kernel;
    int result = 0;
    ut_critical_begin();
    ut_lock_acquire(&table_lock);
    struct sigaction before = table[signal].action;
    if (action) {
        kernel = *action;
        if (has_handler(action)) {
            kernel.sa_sigaction = trampoline; /* lets in what the program's mask lets in */
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
        signal >= SIGNALS || signal == 32 || signal == 33)
        return real(sigaction)(signal, action, old);
    return change_action(signal, action, old);
}
UT_ALIAS(__sigaction, sigaction);

UT_EXPORT sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    if (!atomic_load_explicit(&wrapping, memory_order_acquire))
        return real(signal)(number, handler);
    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    sigaddset(&action.sa_mask, number);
    return sigaction(number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

UT_EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return real(pthread_sigmask)(how, set, old);
    uint64_t before, mask;
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &before, sizeof before); /* the truth */
    mask = before;
    if (set) {
        uint64_t change = set_bits(set) & ~(LIBC_OWN | bit(SIGKILL) | bit(SIGSTOP));
        switch (how) {
        case SIG_BLOCK:
            mask |= change;
            break;
        case SIG_UNBLOCK:
            mask &= ~change;
            break;
        case SIG_SETMASK:
            mask = change;
            break;
        default:
            return EINVAL;
        }
    }
    if (old) {
        sigemptyset(old);
        memcpy(old, &before, sizeof before);
    }
    note_mask(self, before);
    if (mask != before) {
        set_mask(self, mask);
        deliver_pending(self, false);
    }
    return 0;
}

UT_EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    if (!ut_shim_self())
        return real(sigprocmask)(how, set, old);
    return (int)ut_shim_return(-pthread_sigmask(how, set, old));
}

UT_EXPORT int sigpending(sigset_t *set)
{
    struct ut_coro *self = ut_shim_self();
    int result = real(sigpending)(set);
    if (result == 0 && self) {
        uint64_t pending = set_bits(set) | atomic_load(&self->pending);
        memcpy(set, &pending, sizeof pending);
    }
    return result;
}

/* The kernel keeps one for each kernel thread; the scheduler loads the coroutine's. */
UT_EXPORT int sigaltstack(const stack_t *stack, stack_t *old)
{
    struct ut_coro *self = ut_shim_self();
    int result = real(sigaltstack)(stack, old);
    if (result == 0 && self && stack) {
        stack_t now;
        real(sigaltstack)(NULL, &now);
        self->alternate_stack = now;
        atomic_load_explicit(&self->carrier, memory_order_relaxed)->alternate_stack = now;
    }
    return result;
}

void ut_signals_start(void)
{
    ut_lock_acquire(&table_lock);
    for (int signal = 1; signal < SIGNALS; signal++)
        if (signal != 32 && signal != 33)
            real(sigaction)(signal, NULL, &table[signal].action);
    ut_lock_release(&table_lock);
    atomic_store(&wrapping, true);
    for (int signal = 1; signal < SIGNALS; signal++) {
        struct sigaction action = table[signal].action;
        if (signal != 32 && signal != 33 && has_handler(&action) &&
            action.sa_sigaction != trampoline)
            change_action(signal, &action, NULL);
    }
}
