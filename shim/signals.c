/* SPDX-License-Identifier: MIT */
/*
 * Signals: how they reach coroutines, pthread_sigmask(3), sigpending(2), sigaltstack(2); signal(7).
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
#include "frames.h"
#include "monitor.h"
#include "reactor.h"
#include "real.h"
#include "sigactions.h"
#include "sigqueue.h"
#include "timers.h"
#include "wait.h"

#include <ucontext.h>

#define LIBC_OWN (UINT64_C(3) << 31) /* 32 and 33, which programs can neither block nor handle */

static char kick_marker; /* its address in si_ptr says: look at what is pending */

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
    uint64_t mask = before | ut_signal_bits(&action->sa_mask);
    return action->sa_flags & SA_NODEFER ? mask : mask | ut_signal_bit(signal);
}

/*
 * And note, for the call that it has interrupted, that it ran: after it, for the handler may make such calls
 * itself, each of which begins with forgetting that.
 */
static void call(const struct sigaction *action, siginfo_t *info, void *context)
{
    bool reported = ut_tls.coro && ut_tls.coro->must_report;
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(info->si_signo, info, context);
    else
        action->sa_handler(info->si_signo);
    struct ut_coro *self = ut_tls.coro;
    if (self) {
        self->handled = true;
        self->must_report = reported || !(action->sa_flags & SA_RESTART);
    }
}

/*
 * A signal of the process goes back to it, if possible with all that came with it: the kernel lets only
 * main's thread say that a user, or itself, had sent it.
 */
static void give_back(siginfo_t *info)
{
    long process = ut_syscall0(SYS_getpid);
    if (ut_syscall3(SYS_rt_sigqueueinfo, process, info->si_signo, info) < 0)
        ut_syscall2(SYS_kill, process, info->si_signo);
}

/* A handler that is being called, for a jump out of it. */
struct handling {
    struct ut_frame frame;
    bool nested;       /* in a handler that came before */
    bool in_region;    /* the call that it has interrupted holds its kernel thread, declared */
    void *outer;       /* the handler_frame before */
};

/* It does not return, and neither does the call that it has interrupted. */
static void leave_by_jump(struct ut_coro *self, struct ut_frame *frame)
{
    struct handling *handling = (struct handling *)frame;
    self->mask_unsure = handling->nested;
    self->handler_frame = handling->outer;
    if (handling->in_region)
        ut_region_end(self);
}

/* BEFORE: the mask when no handler runs. FRAME: where handlers begin that must not yield, see sched.c. */
static void begin_handling(struct ut_coro *self, struct handling *handling, uint64_t before,
                           void *frame)
{
    handling->nested = self->mask_unsure;
    handling->outer = self->handler_frame;
    handling->in_region = ut_region_open(self);
    if (!handling->nested) {
        self->mask_unsure = true; /* first: a handler that comes between leaves the other alone */
        self->mask_before = before;
    }
    if (frame)
        self->handler_frame = frame;
    ut_frame_enter(self, &handling->frame, leave_by_jump);
}

static void end_handling(struct ut_coro *self, struct handling *handling)
{
    self->handler_frame = handling->outer;
    self->mask_unsure = handling->nested;
}

/* Its frame is gone, by return or unwinding. */
static void forget_handling(struct handling *handling)
{
    if (handling->frame.leave)
        ut_frame_end(&handling->frame);
}

void ut_signals_default_action(int signal)
{
    if (ut_ignored_by_default(signal))
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
 * back to. In a critical section, which it ends. Within a kick's trampoline that loads this mask by its
 * return, and not before: else each handler that has run would let in the kick for the next, on top of
 * this frame, and so on until the stack is full.
 */
static void deliver(siginfo_t *info, uint64_t before);

/* Run what is pending for SELF and not blocked. True if there was something. */
static bool deliver_pending(struct ut_coro *self)
{
    for (bool any = false;; any = true) {
        siginfo_t info;
        ut_critical_begin(); /* until SELF blocks it: the next one must not come before */
        uint64_t mask = atomic_load_explicit(&self->mask, memory_order_relaxed);
        if (!ut_sigqueue_take(self, ~mask, &info)) {
            ut_critical_end();
            return any;
        }
        deliver(&info, mask);
    }
}

static void deliver(siginfo_t *info, uint64_t before)
{
    struct ut_coro *self = ut_tls.coro;
    int signal = info->si_signo;
    struct sigaction action = ut_sigaction_of(signal);
    ucontext_t context;
    bool in_kick = self && self->in_kick;
    bool handled = signal != UT_SIGCANCEL && !is_anothers(info);
    if (!handled || !ut_has_handler(&action)) {
        set_mask(self, before);
        ut_critical_end();
        if (signal == UT_SIGCANCEL)
            ut_cancel_by_signal(info, NULL);
        else if (handled && action.sa_handler == SIG_DFL)
            ut_signals_default_action(signal);
        return;
    }
    if (action.sa_flags & SA_RESETHAND) {
        struct sigaction reset = {.sa_handler = SIG_DFL};
        sigaction(signal, &reset, NULL);
    }
    getcontext(&context);
    memcpy(&context.uc_sigmask, &before, sizeof before);
    __attribute__((cleanup(forget_handling))) struct handling handling = {0};
    if (self) {
        begin_handling(self, &handling, before, NULL);
        self->in_kick = false; /* the handler may do as it likes */
    }
    set_mask(self, mask_during(&action, signal, before));
    ut_critical_end();
    ut_shake();
    /* Several at once: the kernel puts their frames one on top of the other before the first runs. */
    if (self)
        deliver_pending(self);
    call(&action, info, &context);
    ut_shake();
    if (in_kick) {
        block_all();
        note_mask(self, ut_signal_bits(&context.uc_sigmask));
        self->in_kick = true;
    } else {
        set_mask(self, ut_signal_bits(&context.uc_sigmask));
    }
    if (self)
        end_handling(self, &handling);
}

bool ut_signals_is_kick(const siginfo_t *info)
{
    return info->si_code == SI_QUEUE && info->si_ptr == &kick_marker;
}

/* A coroutine that takes SIGNAL, for one that the kernel gave to a carrier. */
static struct ut_coro *find_taker(int signal)
{
    struct ut_coro *coro = NULL;
    while ((coro = ut_coro_next(coro)))
        if (!(atomic_load(&coro->life) & (UT_CORO_FINISHED | UT_CORO_POOLED)) &&
            !(atomic_load(&coro->mask) & ut_signal_bit(signal)))
            return coro;
    return NULL;
}

static bool direct(struct ut_coro *coro, const siginfo_t *info, bool shared);

static void forward(siginfo_t *info)
{
    if (info->si_signo == UT_SIGCANCEL)
        return; /* its target knows by itself: pthread_cancel asked for its attention */
    if (is_anothers(info))
        return;
    struct ut_coro *taker;
    do
        taker = find_taker(info->si_signo);
    while (taker && !direct(taker, info, true)); /* it has ended, or blocked it, a moment ago */
    if (!taker) /* everybody blocks it by now: it stays pending for the process */
        give_back(info);
}

void ut_signals_retarget(struct ut_coro *self, uint64_t set)
{
    siginfo_t info;
    if (!(atomic_load(&self->pending) & set))
        return;
    ut_critical_begin();
    while (ut_sigqueue_take_shared(self, set, &info))
        forward(&info);
    ut_critical_end();
}

void ut_signals_deliver(void)
{
    struct ut_tls *tls = &ut_tls;
    struct ut_coro *self = tls->coro;
    atomic_store_explicit(&tls->attention, false, memory_order_relaxed);
    ut_shake();
    while (tls->deferred) {
        ut_critical_begin(); /* nothing is added meanwhile */
        siginfo_t info = tls->deferred_info[0];
        uint64_t mask = tls->deferred_mask;
        tls->deferred--;
        memmove(tls->deferred_info, tls->deferred_info + 1, tls->deferred * sizeof info);
        if (!tls->internal) {
            deliver(&info, mask); /* ends the section */
        } else {
            forward(&info);
            ut_critical_end();
        }
    }
    if (!self)
        return;
    deliver_pending(self);
    if (ut_shim_cancel_pending(self))
        ut_cancel_asynchronously();
}

void ut_signals_forked(void)
{
    atomic_store_explicit(&ut_tls.attention, false, memory_order_relaxed);
    if (ut_tls.deferred)
        ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &ut_tls.deferred_mask, NULL, sizeof(uint64_t));
    ut_tls.deferred = 0;
}

void ut_signals_bequeath(struct ut_coro *self)
{
    ut_signals_retarget(self, UT_MASK_ALL);
}

static bool is_fault(int signal, const siginfo_t *info)
{
    return info->si_code > 0 && info->si_code != SI_KERNEL &&
           (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
            signal == SIGTRAP || signal == SIGSYS);
}

/* Keep INFO for the end of the critical section; nothing else may come until then. */
static void defer(struct ut_tls *tls, siginfo_t *info, ucontext_t *context)
{
    uint64_t before = ut_signal_bits(&context->uc_sigmask), all = UT_MASK_ALL;
    block_all(); /* libc's own signal leaves others in */
    memcpy(&context->uc_sigmask, &all, sizeof all); /* in force when the trampoline returns */
    if (tls->deferred == UT_TLS_DEFERRED) { /* back to the process, where it stays pending */
        give_back(info);
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
            ut_reactor_poke(tls->carrier->lane->reactor);
    } else if (tls->internal) {
        ut_monitor_call(); /* with SA_RESTART the kernel would put it back to sleep */
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
    self->frames = NULL;
    self->in_kick = false;
    set_mask(self, mask);
}

/* Have a kernel thread look at what is pending for its coroutine, and end its system call. */
static void kick(int thread_id, int signal)
{
    siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
    info.si_ptr = &kick_marker;
    ut_syscall4(SYS_rt_tgsigqueueinfo, ut_syscall0(SYS_getpid), thread_id, signal, &info);
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
    note_mask(self, ut_signal_bits(&context->uc_sigmask));
    void *outer = self->handler_frame;
    self->handler_frame = __builtin_frame_address(0);
    self->in_kick = true;
    bool any = deliver_pending(self);
    self->in_kick = false;
    self->handler_frame = outer;
    if (any) /* their handlers may have changed it */
        return_with_mask(self, context, atomic_load_explicit(&self->mask, memory_order_relaxed));
}

/*
 * The kernel calls it with everything blocked. So nothing comes in between whose trampoline
 * would take the mask of this one for the thread's.
 */
void ut_signals_trampoline(int signal, siginfo_t *info, void *opaque)
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
    struct sigaction action = ut_sigaction_of(signal);
    if (!ut_has_handler(&action) || is_anothers(info)) /* no handler: changed a moment ago */
        return;
    if (action.sa_flags & SA_RESETHAND)
        ut_sigaction_reset(signal); /* as the kernel has done */
    uint64_t before = ut_signal_bits(&context->uc_sigmask);
    if (!self) {
        set_mask(NULL, mask_during(&action, signal, before));
        call(&action, info, opaque);
        return;
    }
    __attribute__((cleanup(forget_handling))) struct handling handling = {0};
    begin_handling(self, &handling, before, __builtin_frame_address(0));
    ut_shake();
    set_mask(self, mask_during(&action, signal, before));
    call(&action, info, opaque);
    ut_shake();
    before = ut_signal_bits(&context->uc_sigmask);
    return_with_mask(self, context, before);
    end_handling(self, &handling);
    ut_shake();
    /* Who directed one at us before that note took it for blocked: it comes right after sigreturn. */
    uint64_t pending = atomic_load(&self->pending) & ~before;
    if (pending)
        kick((int)ut_syscall0(SYS_gettid), __builtin_ctzll(pending) + 1);
}

/* Directed signals */

/* SHARED: as for ut_sigqueue_add. False if CORO refuses. */
static bool direct(struct ut_coro *coro, const siginfo_t *info, bool shared)
{
    int signal = info->si_signo;
    struct sigaction action = ut_sigaction_of(signal);
    bool ignored = action.sa_handler == SIG_IGN ||
                   (action.sa_handler == SIG_DFL && ut_ignored_by_default(signal));
    if (ignored && !(atomic_load(&coro->mask) & ut_signal_bit(signal)))
        return true; /* a blocked one may be wanted by the time it is taken */
    ut_critical_begin();
    ut_shake();
    bool added = ut_sigqueue_add(coro, info, shared);
    /* Pairs with ut_coro_set_mask, and with the stores of awaits_signals: they look at pending next. */
    bool wanted = added && (!(atomic_load(&coro->mask) & ut_signal_bit(signal)) ||
                            atomic_load(&coro->awaits_signals));
    if (added)
        ut_count(signals_directed);
    if (wanted) {
        /* In this order: who clears the second then looks at the first (attend, in cancel.c). */
        atomic_store(&coro->tls->attention, true);
        ut_shake();
        atomic_store(&coro->interrupted, true);
        ut_shake();
        ut_wait_interrupt(coro);
    }
    /* A blocked one that nobody waits for is taken when its coroutine unblocks it. */
    int thread_id = coro == ut_tls.coro || !wanted ? 0 : ut_carrier_of(coro);
    ut_shake();
    if (thread_id)
        kick(thread_id, signal);
    ut_critical_end(); /* our own: runs the handler */
    return added;
}

void ut_signals_direct(struct ut_coro *coro, const siginfo_t *info)
{
    direct(coro, info, false);
}

void ut_signals_keep_own(struct ut_coro *self, int signal)
{
    static const struct timespec now;
    uint64_t set = ut_signal_bit(signal);
    siginfo_t info;
    if (!(atomic_load_explicit(&self->mask, memory_order_relaxed) & set))
        return;
    ut_critical_begin();
    long result;
    do
        result = ut_syscall4(SYS_rt_sigtimedwait, &set, &info, &now, sizeof set);
    while (result > 0 && ut_signals_is_kick(&info));
    bool own = result > 0 && info.si_code == SI_USER && info.si_pid == (pid_t)ut_syscall0(SYS_getpid);
    if (own)
        ut_sigqueue_add(self, &info, false);
    else if (result > 0)
        give_back(&info); /* from elsewhere, for the process */
    ut_critical_end();
}

/* Masks and alternate stacks of coroutines */

/*
 * SELF is about to unblock SET: what the kernel has pending of these is its own from now on. Else the
 * first of them that is let in would give the others to any kernel thread, and SELF might have blocked
 * them again by the time they are brought back.
 */
static void take_over(struct ut_coro *self, uint64_t set)
{
    static const struct timespec now;
    uint64_t pending = 0;
    siginfo_t info;
    ut_syscall2(SYS_rt_sigpending, &pending, sizeof pending);
    if (!(pending & set))
        return;
    pending &= set;
    ut_critical_begin();
    while (ut_syscall4(SYS_rt_sigtimedwait, &pending, &info, &now, sizeof pending) > 0)
        if (!ut_signals_is_kick(&info) && !is_anothers(&info))
            ut_sigqueue_add(self, &info, false);
    ut_critical_end();
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
        uint64_t change = ut_signal_bits(set) & ~(LIBC_OWN | ut_signal_bit(SIGKILL) | ut_signal_bit(SIGSTOP));
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
    if (before & ~mask)
        take_over(self, before & ~mask);
    if (mask != before)
        set_mask(self, mask);
    ut_signals_retarget(self, mask);
    deliver_pending(self); /* equal, too: it may have been noted only now */
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
        uint64_t pending = ut_signal_bits(set) | atomic_load(&self->pending);
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
