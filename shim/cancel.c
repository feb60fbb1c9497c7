/* SPDX-License-Identifier: MIT */
/*
 * Cancellation: pthread_cancel(3), pthreads(7) "Cancellation points". The flags and the unwinding
 * are glibc's own, in the coroutine's TCB; here a cancelled coroutine is made to notice. glibc
 * signals its kernel thread; we signal the carrier, or end the wait of a parked one.
 *
 * One difference remains, to glibc up to 2.40: there a thread is asynchronous while it is in a
 * cancellation point, and so are the handlers that interrupt it. Ours, when parked, is not.
 */
#include "cancel.h"

#include "carrier.h"
#include "real.h"
#include "signals.h"
#include "wait.h"

/* The kernel's struct sigaction, whose restorer libc's does not show. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static _Atomic(void (*)(int, siginfo_t *, void *)) glibc_handler;

/* glibc installs its handler at the first pthread_cancel; ours goes in front of it. */
static void wrap_handler(void)
{
    struct kernel_action action;
    if (atomic_load(&glibc_handler) ||
        ut_syscall4(SYS_rt_sigaction, UT_SIGCANCEL, NULL, &action, sizeof action.mask) < 0 ||
        !action.handler)
        return;
    atomic_store(&glibc_handler, action.handler);
    action.handler = ut_signals_cancel_trampoline;
    ut_syscall4(SYS_rt_sigaction, UT_SIGCANCEL, &action, NULL, sizeof action.mask);
}

void ut_cancel_by_signal(siginfo_t *info, void *context)
{
    void (*handler)(int, siginfo_t *, void *) = atomic_load(&glibc_handler);
    struct ut_coro *self = ut_tls.coro;
    if (ut_tls.internal)
        return;
    if (!self) {
        if (handler)
            handler(UT_SIGCANCEL, info, context);
    } else if (ut_shim_cancel_pending(self)) {
        /* Not glibc's handler: it cancels whomever it meets, and the target may have moved on. */
        ut_cancel_asynchronously();
    }
}

void ut_cancel_asynchronously(void)
{
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    if (type == PTHREAD_CANCEL_ASYNCHRONOUS)
        pthread_setcanceltype(type, NULL); /* acts on what is pending */
}

static bool attend(struct ut_coro *self, bool cancellation_point)
{
    atomic_store(&self->interrupted, false);
    ut_shake();
    if (atomic_load(&self->tls->attention))
        ut_signals_deliver();
    if (cancellation_point)
        real(pthread_testcancel)();
    else if (ut_shim_cancel_pending(self))
        ut_cancel_asynchronously();
    return self->handled;
}

int ut_shim_attend(struct ut_coro *self, bool cancellation_point)
{
    attend(self, cancellation_point);
    bool report = self->must_report;
    self->must_report = self->handled = false;
    return report ? -EINTR : 0;
}

int ut_shim_attend_sleep(struct ut_coro *self, bool cancellation_point)
{
    bool handled = attend(self, cancellation_point);
    self->must_report = self->handled = false;
    return handled ? -EINTR : 0;
}

UT_EXPORT void pthread_testcancel(void)
{
    real(pthread_testcancel)();
}

enum { ASYNCHRONOUS = 2 }; /* glibc: CANCELTYPE_BITMASK */

/*
 * Does this glibc keep the type in the word that the flags are in? All do but 2.34 and 2.35. Ask
 * it, with a change of the caller's own type that cannot act.
 */
static bool shows_type(const struct ut_coro *coro)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic int answer;
    ptrdiff_t place = (const char *)coro->cancel_state - (const char *)coro->handle;
    const uint32_t *own = (const uint32_t *)(void *)((char *)pthread_self() + place);
    int state, type;
    if (__builtin_expect(atomic_load(&answer) == UNKNOWN, 0)) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
        atomic_store(&answer, __atomic_load_n(own, __ATOMIC_RELAXED) & ASYNCHRONOUS ? YES : NO);
        pthread_setcanceltype(type, NULL);
        pthread_setcancelstate(state, NULL);
    }
    return atomic_load(&answer) == YES;
}

bool ut_cancel_is_asynchronous(const struct ut_coro *coro)
{
    return coro->cancel_state &&
           (__atomic_load_n(coro->cancel_state, __ATOMIC_SEQ_CST) & ASYNCHRONOUS);
}

/*
 * Only who is asynchronous at this moment gets a signal, as natively: that is also who is blocked
 * in one of libc's cancellation points, and who enters one now sees the flag. For others a signal
 * would end calls that are no cancellation points and that SA_RESTART does not restart (semop).
 */
static bool wants_signal(const struct ut_coro *coro)
{
    return !coro->cancel_state || !shows_type(coro) || ut_cancel_is_asynchronous(coro);
}

UT_EXPORT int pthread_cancel(pthread_t thread)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_cancel)(thread);
    if (atomic_load(&coro->life) & UT_CORO_FINISHED)
        return 0;
    /* Sets the flags; it finds no kernel thread to signal, which we make up for. */
    real(pthread_cancel)(thread);
    wrap_handler();
    /* For an asynchronous target glibc (to 2.36) leaves this flag to its handler. */
    if (coro->cancel_state)
        __atomic_fetch_or(coro->cancel_state, UT_CANCELED, __ATOMIC_SEQ_CST);
    bool by_signal = wants_signal(coro);
    ut_critical_begin();
    ut_shake();
    atomic_store(&coro->tls->attention, true);
    ut_shake();
    atomic_store(&coro->interrupted, true); /* after the flags that attend looks at */
    ut_shake();
    ut_wait_interrupt(coro);
    int thread_id = coro == ut_tls.coro ? 0 : ut_carrier_of(coro);
    ut_shake();
    if (thread_id && by_signal)
        ut_syscall3(SYS_tgkill, ut_syscall0(SYS_getpid), thread_id, UT_SIGCANCEL);
    ut_critical_end();
    return 0;
}
