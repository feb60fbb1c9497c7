/* SPDX-License-Identifier: MIT */
/*
 * The kernel keeps credentials per thread; glibc's setuid therefore sends signal 33 to each
 * thread on its list, again and again until the handler has ticked off every one. The handler
 * ticks off the thread that the thread pointer names. On a carrier that runs a coroutine that is
 * the coroutine, for whose virtual id no signal could be sent; the carrier would never be ticked
 * off and setuid never return. So the handler runs with the carrier's thread pointer.
 *
 * Safe at any instruction, also within a context switch: the handler uses the stack it finds, and
 * of its thread only two words.
 */
#include "credentials.h"

#include "coro.h"
#include "sched.h"

#include <signal.h>
#include <stddef.h>

enum { SIGNAL = 33 }; /* glibc's SIGSETXID, __SIGRTMIN + 1 */

/* As the kernel has it. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
#ifdef __x86_64__
    void (*restorer)(void);
#endif
    uint64_t mask;
};

static void (*glibc_handler)(int, siginfo_t *, void *);

static void on_signal(int number, siginfo_t *info, void *context)
{
    struct ut_coro *self = ut_tls.coro;
    struct ut_carrier *carrier =
        self ? atomic_load_explicit(&self->carrier, memory_order_relaxed) : NULL;
    if (!carrier) {
        glibc_handler(number, info, context);
        return;
    }
    uintptr_t own = ut_arch_thread_pointer();
    ut_arch_set_thread_pointer(carrier->context.thread_pointer);
    glibc_handler(number, info, context);
    ut_arch_set_thread_pointer(own);
}

void ut_credentials_start(void)
{
    struct kernel_action action = {0};
    if (ut_syscall4(SYS_rt_sigaction, SIGNAL, NULL, &action, sizeof action.mask) < 0 ||
        action.handler == on_signal || (uintptr_t)action.handler <= (uintptr_t)SIG_IGN)
        return;
    glibc_handler = action.handler;
    action.handler = on_signal;
    action.mask = ~UINT64_C(0); /* no handler of the program's may run on a borrowed thread pointer */
    ut_syscall4(SYS_rt_sigaction, SIGNAL, &action, NULL, sizeof action.mask);
}
