/* SPDX-License-Identifier: MIT */
/* How the library comes to life: settings at load, everything else at the first pthread_create. */
#include "init.h"

#include "account.h"
#include "child.h"
#include "config.h"
#include "fd.h"
#include "inner.h"
#include "keys.h"
#include "libc.h"
#include "log.h"
#include "lot.h"
#include "monitor.h"
#include "names.h"
#include "sigactions.h"
#include "sigqueue.h"
#include "carrier.h"
#include "real.h"
#include "sigmask.h"
#include "signals.h"
#include "stack.h"
#include "summary.h"
#include "tcb.h"
#include "thread.h"
#include "timers.h"
#include "unwinder.h"

#include <sys/prctl.h>
#include <stdlib.h>

enum { NOT_STARTED, STARTED, FAILED };

static struct ut_lock start_lock;
static _Atomic int start_state;

void ut_shim_init(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    /* Not environ: that name is libuv's here, see libuv.c. */
    ut_log_start();
    ut_config_load(__environ, ut_log_complaint, NULL);
    ut_summary_take_signal();
}

/* In a forked child: the caller is a native thread now and the runtime has never been started. */
static void forked_child(void)
{
    if (atomic_load(&start_state) != STARTED)
        return;
    struct ut_coro *self = ut_tls.coro;
    ut_tls.coro = NULL;
    ut_tls.critical = 0;
    ut_tls.forking = false;
    ut_signals_forked();
    start_lock = (struct ut_lock){0};
    ut_sched_forked();
    ut_monitor_forked();
    ut_carrier_forked();
    ut_lot_forked();
    ut_account_forked();
    ut_child_forked();
    ut_child_turns_forked();
    ut_sigmask_forked();
    ut_fd_forked();
    ut_stack_forked();
    ut_coro_forked(self);
    ut_thread_forked(self);
    ut_names_forked();
    ut_timers_forked();
    ut_sigqueue_forked(self);
    ut_sigactions_forked();
    atomic_store(&start_state, NOT_STARTED);
    if (self) {
        ut_syscall2(SYS_prctl, PR_SET_NAME, self->name); /* natively it has that of the thread */
        ut_count(native_after_fork);
    }
}

/* The last handler before the fork: from here on no other thread may be in the middle of these things. */
static void before_fork(void)
{
    if (atomic_load(&start_state) != STARTED)
        return;
    ut_critical_begin(); /* a handler might wait, with what is locked here */
    ut_tls.forking = true;
    ut_tcb_fork_begin();
    ut_sigactions_fork_begin();
}

static void forked_parent(void)
{
    if (ut_tls.forking) {
        ut_tls.forking = false;
        ut_sigactions_fork_end();
        ut_tcb_fork_end();
        ut_critical_end();
    }
    ut_fd_fork_parent();
}

/*
 * A child's handlers run in the order of their registration. Ours must be the first: the others' may wait and
 * lock, and the runtime that they would find is the parent's, in the middle of something.
 */
static void hook_fork(void)
{
    extern void *__dso_handle __attribute__((visibility("hidden")));
    static _Atomic bool hooked;
    if (!atomic_exchange(&hooked, true))
        real(__register_atfork)(before_fork, forked_parent, forked_child, __dso_handle);
}

/* What pthread_atfork(3) calls, which is linked into every program. */
UT_EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                                void *dso_handle)
{
    hook_fork();
    return real(__register_atfork)(prepare, parent, child, dso_handle);
}

static void at_exit(void)
{
    if (ut_config.stats && atomic_load(&start_state) == STARTED)
        ut_stats_print();
}

static bool start(void)
{
    static bool hooked;
    ut_real_resolve_all();
    if (!ut_libc.tid_field) {
        ut_log(UT_LOG_ERROR, "this libc does not describe its threads: they stay native");
        return false;
    }
    ut_arch_init(ut_config.fsgsbase == 0);
    ut_coro_body = ut_thread_body;
    ut_coro_bequeath = ut_signals_bequeath;
    ut_critical_deliver = ut_signals_deliver;
    hook_fork();
    if (!hooked) {
        atexit(at_exit);
        hooked = true;
    }
    if (!ut_unwinder_load())
        ut_log(UT_LOG_WARN, "libgcc_s.so.1 cannot be loaded: no stacks in the account");
    ut_inner_start();
    ut_thread_prepare();
    int result = ut_sched_start();
    if (result < 0) {
        ut_log(UT_LOG_ERROR, "the runtime cannot start (error %d): threads stay native", -result);
        return false;
    }
    ut_signals_start();
    ut_summary_take_signal();
    ut_thread_started();
    ut_log(UT_LOG_INFO, "started: %u lanes", ut_lane_count);
    return true;
}

bool ut_shim_start(void)
{
    int state = atomic_load_explicit(&start_state, memory_order_acquire);
    if (__builtin_expect(state != NOT_STARTED, 1))
        return state == STARTED;
    ut_shim_init();
    if (ut_config.off)
        return false;
    ut_lock_acquire(&start_lock);
    if (atomic_load(&start_state) == NOT_STARTED)
        atomic_store(&start_state, start() ? STARTED : FAILED);
    ut_lock_release(&start_lock);
    return atomic_load(&start_state) == STARTED;
}

__attribute__((constructor)) static void loaded(void)
{
    ut_shim_init();
}
