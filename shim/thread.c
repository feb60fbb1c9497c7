/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go: pthread_create(3), pthread_exit(3), pthread_join(3), pthread_detach(3),
 * thrd_create(3). glibc: nptl/pthread_create.c, nptl/pthread_join_common.c.
 */
#include "thread.h"

#include "config.h"
#include "init.h"
#include "keys.h"
#include "names.h"
#include "native.h"
#include "real.h"
#include "affinity.h"
#include "signals.h"
#include "sigqueue.h"
#include "stack.h"
#include "timers.h"

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

static _Atomic unsigned long alive = 1; /* threads of the program that have not ended */
static pthread_key_t native_key;        /* of native threads that are to leave that count */

static int create_native(pthread_t *thread, const pthread_attr_t *attributes,
                         void *(*start)(void *), void *argument);

struct wishes {
    size_t stack_size, guard_size;
    int detach_state;
    const pthread_attr_t *attributes; /* the program's, or NULL */
};

static void read_attributes(const pthread_attr_t *attributes, struct wishes *wishes)
{
    pthread_attr_t defaults;
    *wishes = (struct wishes){.detach_state = PTHREAD_CREATE_JOINABLE, .attributes = attributes};
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
    /* What the last thread here left closed at the end of its stack is within ours. */
    if (coro->recycled && coro->asked_size < wishes->stack_size)
        ut_stack_open(coro->stack, coro);
    coro->asked_size = wishes->stack_size;
    coro->asked_guard = wishes->guard_size;
    coro->float_control = ut_arch_float_control(); /* inherited, as clone(2) does */
    coro->schedule_policy = SCHED_OTHER;
    coro->schedule = (struct sched_param){0};
    if (ut_tls.coro)
        memcpy(coro->name, ut_tls.coro->name, sizeof coro->name);
    else
        ut_syscall2(SYS_prctl, 16 /* PR_GET_NAME */, coro->name);
    coro->mask_unsure = coro->in_kick = false;
    coro->handler_frame = NULL;
    coro->frames = NULL;
    atomic_store(&coro->cpu_used, 0);
    atomic_store(&coro->cpu_since, -1);
    coro->keys_begun = false;
    atomic_store(&coro->awaits_signals, false);
    coro->alternate_stack = (stack_t){.ss_flags = SS_DISABLE}; /* not inherited by threads */
    ut_sigqueue_clear(coro);
    atomic_store(&coro->interrupted, false);
    atomic_store(&coro->bind, false);
    ut_affinity_inherit(coro, wishes->attributes);
    atomic_store(&coro->tls->attention, false);
    atomic_store(&coro->life,
                 wishes->detach_state == PTHREAD_CREATE_DETACHED ? UT_CORO_DETACHED : 0);
    sigset_t wanted;
    bool given = wishes->attributes && pthread_attr_getsigmask_np(wishes->attributes, &wanted) == 0;
    /* Last: from here on it takes signals of the process. */
    ut_coro_set_mask(coro, given ? ut_signal_bits(&wanted) : current_mask());
}

UT_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                             void *(*start)(void *), void *argument)
{
    struct wishes wishes;
    int error, saved = errno;
    if (ut_tls.internal || !ut_shim_start())
        return real(pthread_create)(thread, attributes, start, argument);
    if (ut_native_from_birth(attributes, start)) {
        ut_count(threads_native);
        return create_native(thread, attributes, start, argument);
    }
    read_attributes(attributes, &wishes);
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

/* A thread has ended. The last one ends the process, as in glibc's start_thread. */
static void one_less(void)
{
    if (atomic_fetch_sub(&alive, 1) == 1)
        exit(0);
}

static void (*call_tls_destructors)(void); /* glibc-private, but there in every version */

/* Not when the first thread ends: a library's constructor may wait for that, with the loader's lock. */
void ut_thread_prepare(void)
{
    call_tls_destructors = (void (*)(void))ut_real_find("__call_tls_dtors");
}

/*
 * C++ has a thread_local object destroyed at the thread's end. Natively one that is made in a
 * destructor of a key never is; so its destructor is not put down, or it would be called for an
 * object of the next thread on this control block.
 */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library);

UT_EXPORT int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library)
{
    if (ut_tls.coro && ut_tls.coro->keys_begun)
        return 0;
    return real(__cxa_thread_atexit_impl)(destructor, object, library);
}

/*
 * What glibc's start_thread does after the start routine: C++ objects, then keys. They may be
 * cancelled, or exit, as the routine itself: then this comes once more. The keys do not: glibc
 * leaves those that are still to be destroyed.
 */
static void run_destructors(struct ut_coro *self)
{
    if (call_tls_destructors)
        call_tls_destructors();
    if (!self->keys_begun) {
        self->keys_begun = true;
        ut_keys_destroy();
    }
    ut_keys_drop();
}

/* If the thread forked, and this is the child: glibc's own way out. */
static void leave_if_child(struct unwind_buffer *buffer, void *result)
{
    if (ut_tls.coro)
        return;
    __pthread_unregister_cancel(buffer);
    real(pthread_exit)(result);
}

void ut_thread_body(struct ut_coro *self)
{
    struct unwind_buffer buffer;
    int state;
    ut_arch_set_float_control(self->float_control);
    if (set_jump(&buffer, 0) == 0) {
        __pthread_register_cancel(&buffer);
        void *result = self->start(self->argument);
        leave_if_child(&buffer, result);
        run_destructors(self);
        leave_if_child(&buffer, result); /* a destructor may fork, too */
        self->result = result; /* not before: a destructor may end the thread with another one */
    } else {
        ut_signals_left_handler(); /* it may have been asynchronous, in glibc's own handler */
        leave_if_child(&buffer, self->result);
        run_destructors(self);
        leave_if_child(&buffer, self->result);
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    __pthread_unregister_cancel(&buffer);
    ut_names_thread_ended();
    ut_timers_forget(self);
    ut_shake();
    one_less();
}

/*
 * The last thread of a process ends it: glibc counts threads for that, but it counts our carriers,
 * too, so we count ourselves: the main thread, coroutines, and threads that were left native. A
 * native thread leaves the count in the destructor of a key, which puts itself off until
 * the last round of destructors, when all others have had theirs.
 */
static void end_native(void *round)
{
    if ((intptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(native_key, (void *)((intptr_t)round + 1));
    else
        one_less();
}

static void count_native(void)
{
    static struct ut_lock lock;
    static bool made;
    ut_critical_begin();
    ut_lock_acquire(&lock);
    if (!made)
        made = real(pthread_key_create)(&native_key, end_native) == 0;
    ut_lock_release(&lock);
    ut_critical_end();
    pthread_setspecific(native_key, (void *)1);
}

struct native_start {
    void *(*start)(void *);
    void *argument;
};

static void *run_native(void *argument)
{
    struct native_start native = *(struct native_start *)argument;
    free(argument);
    count_native();
    return native.start(native.argument);
}

static int create_native(pthread_t *thread, const pthread_attr_t *attributes,
                         void *(*start)(void *), void *argument)
{
    struct native_start *native = malloc(sizeof *native);
    if (!native)
        return EAGAIN;
    *native = (struct native_start){start, argument};
    atomic_fetch_add(&alive, 1);
    int error = real(pthread_create)(thread, attributes, run_native, native);
    if (error) {
        atomic_fetch_sub(&alive, 1);
        free(native);
    }
    return error;
}

/* The main thread is in the count from the beginning, and leaves it however it ends. */
void ut_thread_started(void)
{
    if (!ut_tls.coro && ut_syscall0(SYS_gettid) == ut_syscall0(SYS_getpid))
        count_native();
}

UT_EXPORT void pthread_exit(void *value)
{
    struct ut_coro *self = ut_tls.coro;
    if (self)
        self->result = value;
    else if (ut_shim_started())
        ut_thread_started();
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
    /* glibc: a thread that has ended is joined without a look at cancellations. */
    if (self && !(atomic_load(&coro->life) & UT_CORO_FINISHED))
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
    if (!coro)
        return real(pthread_tryjoin_np)(thread, result);
    if (!(atomic_load(&coro->life) & UT_CORO_FINISHED))
        return EBUSY; /* glibc looks at this first, before all errors */
    return join(coro, result, 0);
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
    atomic_store(&alive, 1);
}
