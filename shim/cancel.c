/* SPDX-License-Identifier: MIT */
/*
 * Cancellation: pthread_cancel(3), pthreads(7) "Cancellation points". The flags and the unwinding
 * are glibc's own, in the coroutine's TCB; here a cancelled coroutine is made to notice.
 */
#include "carrier.h"
#include "real.h"
#include "signals.h"
#include "wait.h"

enum { SIGCANCEL = 32 }; /* glibc's own; its handler cancels whatever thread's TCB is loaded */

int ut_shim_attend(struct ut_coro *self, bool cancellation_point)
{
    atomic_store(&self->interrupted, false);
    if (atomic_load(&self->tls->attention))
        ut_signals_deliver();
    if (cancellation_point)
        real(pthread_testcancel)();
    bool report = self->must_report;
    self->must_report = self->handled = false;
    return report ? -EINTR : 0;
}

int ut_shim_attend_sleep(struct ut_coro *self)
{
    atomic_store(&self->interrupted, false);
    if (atomic_load(&self->tls->attention))
        ut_signals_deliver();
    real(pthread_testcancel)();
    bool handled = self->handled;
    self->must_report = self->handled = false;
    return handled ? -EINTR : 0;
}

UT_EXPORT void pthread_testcancel(void)
{
    real(pthread_testcancel)();
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
    ut_critical_begin();
    atomic_store(&coro->interrupted, true);
    ut_wait_interrupt(coro);
    int thread_id = ut_carrier_of(coro);
    if (thread_id && coro != ut_tls.coro && coro->why)
        ut_syscall3(SYS_tgkill, ut_syscall0(SYS_getpid), thread_id, SIGCANCEL);
    ut_critical_end();
    return 0;
}
