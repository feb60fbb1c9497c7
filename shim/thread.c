/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go: pthread_create(3), pthread_exit(3), pthread_join(3), pthread_detach(3),
 * thrd_create(3). glibc: nptl/pthread_create.c, nptl/pthread_join_common.c.
 */
#include "thread.h"

#include "config.h"
#include "init.h"
#include "keys.h"
#include "lot.h"
#include "real.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <limits.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/*
 * glibc's __pthread_unwind_buf_t, whose layout is part of its ABI (the C macro
 * pthread_cleanup_push uses it). pthread_exit and cancellation unwind to the innermost one.
 */
struct unwind_buffer {
    struct {
        __jmp_buf registers;
        int mask_was_saved;
    } jump[1];
    void *private_data[4];
} __attribute__((aligned(16)));

extern void __pthread_register_cancel(struct unwind_buffer *buffer);
extern void __pthread_unregister_cancel(struct unwind_buffer *buffer);
extern int set_jump(struct unwind_buffer *buffer, int save_mask) __asm__("__sigsetjmp")
    __attribute__((returns_twice));

static _Atomic unsigned long alive; /* threads that have not ended; address waited for in the lot */
static pthread_key_t main_key;      /* its destructor keeps an exited main thread, see below */

/* Leave native what the user wants native, and what a coroutine cannot be. */
static bool stays_native(const pthread_attr_t *attributes, void *(*start)(void *))
{
    void *stack = NULL;
    size_t size;
    int inherit;
    if (attributes) {
        /* glibc keeps the stack's end, NULL if none was set, and subtracts the size from it. */
        if (pthread_attr_getstack(attributes, &stack, &size) == 0 && (uintptr_t)stack + size)
            return true; /* the program's own stack */
        if (pthread_attr_getinheritsched(attributes, &inherit) == 0 &&
            inherit == PTHREAD_EXPLICIT_SCHED) {
            int policy = SCHED_OTHER;
            pthread_attr_getschedpolicy(attributes, &policy);
            if (policy != SCHED_OTHER)
                return true; /* only a kernel thread can have a scheduling class */
        }
    }
    Dl_info info;
    if (!ut_config.native_threads || !dladdr((void *)start, &info))
        return false;
    char pattern[256];
    for (const char *from = ut_config.native_threads; *from;) {
        size_t length = strcspn(from, ",");
        if (length < sizeof pattern) {
            memcpy(pattern, from, length);
            pattern[length] = '\0';
            if ((info.dli_sname && fnmatch(pattern, info.dli_sname, 0) == 0) ||
                (info.dli_fname && fnmatch(pattern, info.dli_fname, 0) == 0))
                return true;
        }
        from += length + (from[length] == ',');
    }
    return false;
}

struct wishes {
    size_t stack_size, guard_size;
    int detach_state;
};

static void read_attributes(const pthread_attr_t *attributes, struct wishes *wishes)
{
    pthread_attr_t defaults;
    *wishes = (struct wishes){.detach_state = PTHREAD_CREATE_JOINABLE};
    if (attributes)
        pthread_attr_getdetachstate(attributes, &wishes->detach_state);
    if (!attributes) {
        pthread_getattr_default_np(&defaults);
        attributes = &defaults;
    }
    pthread_attr_getstacksize(attributes, &wishes->stack_size);
    pthread_attr_getguardsize(attributes, &wishes->guard_size);
    if (attributes == &defaults)
        pthread_attr_destroy(&defaults);
    if (ut_config.stack_size && wishes->stack_size > ut_config.stack_size)
        wishes->stack_size = ut_config.stack_size;
}

static uint64_t current_mask(void)
{
    uint64_t mask = 0;
    if (ut_tls.coro)
        return atomic_load_explicit(&ut_tls.coro->mask, memory_order_relaxed);
    ut_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof mask);
    return mask;
}

static void inherit(struct ut_coro *coro, const struct wishes *wishes)
{
    coro->asked_size = wishes->stack_size;
    coro->asked_guard = wishes->guard_size;
    coro->shim_list = NULL;
    coro->schedule_policy = SCHED_OTHER;
    coro->schedule = (struct sched_param){0};
    if (ut_tls.coro)
        memcpy(coro->name, ut_tls.coro->name, sizeof coro->name);
    else
        ut_syscall2(SYS_prctl, 16 /* PR_GET_NAME */, coro->name);
    atomic_store(&coro->mask, current_mask());
    atomic_store(&coro->pending, 0);
    atomic_store(&coro->interrupted, false);
    atomic_store(&coro->tls->attention, false);
    atomic_store(&coro->life,
                 wishes->detach_state == PTHREAD_CREATE_DETACHED ? UT_CORO_DETACHED : 0);
}

UT_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                             void *(*start)(void *), void *argument)
{
    struct wishes wishes;
    int error;
    if (ut_tls.internal || !ut_shim_start())
        return real(pthread_create)(thread, attributes, start, argument);
    if (stays_native(attributes, start)) {
        ut_count(threads_native);
        return real(pthread_create)(thread, attributes, start, argument);
    }
    read_attributes(attributes, &wishes);
    int saved = errno;
    struct ut_coro *coro = ut_coro_obtain(wishes.stack_size, &error);
    errno = saved;
    if (!coro)
        return error;
    inherit(coro, &wishes);
    coro->start = start;
    coro->argument = argument;
    coro->result = PTHREAD_CANCELED; /* what remains if it never gets to give another one */
    atomic_fetch_add(&alive, 1);
    *thread = coro->handle;
    ut_critical_begin();
    ut_sched_launch(coro);
    ut_critical_end();
    return 0;
}

/* The end */

static void call_tls_destructors(void)
{
    static void (*call)(void); /* glibc-private, but there in every version */
    if (!call)
        call = (void (*)(void))ut_real_find("__call_tls_dtors");
    if (call)
        call();
}

/* What glibc's start_thread does after the start routine: C++ objects, then keys. */
static void run_destructors(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    call_tls_destructors();
    ut_keys_destroy();
}

void ut_thread_body(struct ut_coro *self)
{
    struct unwind_buffer buffer;
    if (set_jump(&buffer, 0) == 0) {
        __pthread_register_cancel(&buffer);
        self->result = self->start(self->argument);
        __pthread_unregister_cancel(&buffer);
    }
    if (!ut_tls.coro)
        real(pthread_exit)(self->result); /* we are in a forked child: glibc's own way out */
    run_destructors();
    ut_critical_begin();
    if (atomic_fetch_sub(&alive, 1) == 1 && ut_lot_occupied(&alive))
        ut_lot_wake(&alive, UINT_MAX);
    ut_critical_end();
}

/*
 * The main thread's pthread_exit. glibc ends the process with the last thread; but it counts our
 * carriers as well. So the main thread runs its clean-up handlers and destructors, and the last of
 * these, ours, waits here for the coroutines to end.
 */
static void await_last(void *round)
{
    if ((intptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(main_key, (void *)((intptr_t)round + 1));
        return;
    }
    ut_critical_begin();
    while (atomic_load(&alive)) {
        struct ut_lot_waiter waiter;
        ut_lot_enqueue(&waiter, &alive, 1);
        if (atomic_load(&alive))
            ut_lot_wait(&waiter, "pthread_exit", UT_FOREVER);
        else
            ut_lot_abort(&waiter);
    }
    ut_critical_end();
    exit(0);
}

UT_EXPORT void pthread_exit(void *value)
{
    struct ut_coro *self = ut_tls.coro;
    if (self)
        self->result = value;
    else if (ut_shim_started() && ut_syscall0(SYS_gettid) == ut_syscall0(SYS_getpid) &&
             real(pthread_key_create)(&main_key, await_last) == 0)
        pthread_setspecific(main_key, (void *)1);
    real(pthread_exit)(value);
    __builtin_unreachable();
}

/* Joining */

/* DEADLINE as for ut_coro_join. */
static int join(struct ut_coro *coro, void **result, int64_t deadline)
{
    struct ut_coro *self = ut_tls.coro;
    if (coro == self)
        return EDEADLK;
    if (self)
        ut_shim_cancellation_point(self);
    for (;;) {
        ut_critical_begin();
        int error = ut_coro_join(coro, result, deadline);
        ut_critical_end();
        if (error != -EINTR)
            return -error;
        if (self)
            ut_shim_attend(self, true); /* pthread_join never returns EINTR */
        else
            pthread_testcancel();
    }
}

UT_EXPORT int pthread_join(pthread_t thread, void **result)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return UT_REGION("pthread_join", true, real(pthread_join)(thread, result));
    return join(coro, result, UT_FOREVER);
}

UT_EXPORT int pthread_tryjoin_np(pthread_t thread, void **result)
{
    struct ut_coro *coro = ut_coro_find(thread);
    return coro ? join(coro, result, 0) : real(pthread_tryjoin_np)(thread, result);
}

UT_EXPORT int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                                   const struct timespec *deadline)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return UT_REGION("pthread_clockjoin_np", true,
                         real(pthread_clockjoin_np)(thread, result, clock, deadline));
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    if (deadline && !ut_shim_valid_time(deadline))
        return EINVAL;
    return join(coro, result, deadline ? ut_shim_deadline(clock, deadline) : UT_FOREVER);
}

UT_EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return UT_REGION("pthread_timedjoin_np", true,
                         real(pthread_timedjoin_np)(thread, result, deadline));
    return pthread_clockjoin_np(thread, result, CLOCK_REALTIME, deadline);
}

UT_EXPORT int pthread_detach(pthread_t thread)
{
    struct ut_coro *coro = ut_coro_find(thread);
    return coro ? -ut_coro_detach(coro) : real(pthread_detach)(thread);
}

/* C11 threads: threads.h(0p). The same threads with an int for a result. */

struct c11_start {
    thrd_start_t start;
    void *argument;
};

static void *run_c11(void *argument)
{
    struct c11_start c11 = *(struct c11_start *)argument;
    free(argument);
    return (void *)(intptr_t)c11.start(c11.argument);
}

UT_EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
    if (!ut_shim_start())
        return real(thrd_create)(thread, start, argument);
    struct c11_start *c11 = malloc(sizeof *c11);
    if (!c11)
        return thrd_nomem;
    *c11 = (struct c11_start){start, argument};
    int error = pthread_create(thread, NULL, run_c11, c11);
    if (error)
        free(c11);
    return error == 0 ? thrd_success : error == ENOMEM ? thrd_nomem : thrd_error;
}

UT_EXPORT int thrd_join(thrd_t thread, int *result)
{
    void *value;
    if (pthread_join(thread, &value))
        return thrd_error;
    if (result)
        *result = (int)(intptr_t)value;
    return thrd_success;
}

UT_EXPORT int thrd_detach(thrd_t thread)
{
    return pthread_detach(thread) ? thrd_error : thrd_success;
}

UT_EXPORT void thrd_exit(int result)
{
    pthread_exit((void *)(intptr_t)result);
}

void ut_thread_forked(struct ut_coro *self)
{
    (void)self;
    atomic_store(&alive, 0);
}
