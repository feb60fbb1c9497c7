/* SPDX-License-Identifier: MIT */
#include "tcb.h"

#include "engine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern __thread int module_initialised, module_zero; /* tls_module.c */
extern __thread char module_text[64];

enum { CROWD = 300, ROUNDS = 50 };

/* Each coroutine writes its number everywhere, and lets others run in between. */
static __thread unsigned long number;

static void *keep_own_values(void *argument)
{
    unsigned long mine = (unsigned long)argument;
    unsigned long *address = &number;
    int *error = &errno;
    for (int i = 0; i < ROUNDS; i++) {
        number = mine;
        module_zero = (int)mine;
        errno = (int)mine;
        engine_yield();
        must(number == mine && &number == address);
        must(module_zero == (int)mine);
        must(errno == (int)mine && &errno == error);
    }
    return NULL;
}

Test(tcb, variables_and_errno_belong_to_the_coroutine, .timeout = 60)
{
    struct ut_coro *coros[CROWD];
    engine_start(2);
    errno = EXDEV;
    for (unsigned long i = 0; i < CROWD; i++)
        coros[i] = engine_launch(keep_own_values, (void *)(i + 1));
    for (int i = 0; i < CROWD; i++)
        engine_join(coros[i]);
}

static void *expect_new_then_spoil(void *unused)
{
    (void)unused;
    must(module_initialised == 1234);
    must(module_zero == 0);
    must(strcmp(module_text, "as new") == 0);
    must(errno == 0);
    must(uselocale(NULL) == LC_GLOBAL_LOCALE);
    int state, type;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    must(state == PTHREAD_CANCEL_ENABLE && type == PTHREAD_CANCEL_DEFERRED);
    module_initialised = -1;
    module_zero = -1;
    strcpy(module_text, "used");
    errno = EXDEV;
    uselocale(newlocale(LC_ALL_MASK, "C", NULL));
    return ut_tls.coro;
}

Test(tcb, the_next_thread_finds_everything_as_new, .timeout = 30)
{
    engine_start(1);
    void *first = engine_run(expect_new_then_spoil, NULL);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(engine_run(expect_new_then_spoil, NULL), first, "not recycled");
}

static void *use_malloc(void *unused)
{
    (void)unused;
    char *blocks[100];
    for (int i = 0; i < 100; i++)
        memset(blocks[i] = malloc((size_t)i * 50 + 1), i, (size_t)i * 50 + 1);
    engine_yield();
    for (int i = 0; i < 100; i++) {
        must(blocks[i][0] == i && blocks[i][i * 50] == i);
        free(blocks[i]);
    }
    return NULL;
}

/* The allocator's caches are libc's thread-local state, and stay: else memory would be lost. */
Test(tcb, the_allocator_survives_renewal, .timeout = 60)
{
    struct ut_coro *coros[20];
    engine_start(2);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 20; i++)
            coros[i] = engine_launch(use_malloc, NULL);
        for (int i = 0; i < 20; i++)
            engine_join(coros[i]);
    }
}

/* Virtual thread ids, as glibc sees them: the owner of a mutex. */

static void *lock_errorcheck(void *argument)
{
    pthread_mutex_t *mutex = argument;
    must(pthread_mutex_lock(mutex) == 0);
    must((uint32_t)mutex->__data.__owner == ut_tls.coro->thread_id);
    must(pthread_mutex_lock(mutex) == EDEADLK);
    engine_yield(); /* perhaps to another carrier */
    must(pthread_mutex_unlock(mutex) == 0);
    must(pthread_mutex_unlock(mutex) == EPERM);
    return (void *)(uintptr_t)ut_tls.coro->thread_id;
}

Test(tcb, mutexes_are_owned_by_virtual_ids, .timeout = 30)
{
    enum { COUNT = 100 };
    static pthread_mutex_t mutexes[COUNT];
    struct ut_coro *coros[COUNT];
    uintptr_t ids[COUNT];
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    engine_start(2);
    for (int i = 0; i < COUNT; i++) {
        pthread_mutex_init(&mutexes[i], &kind);
        coros[i] = engine_launch(lock_errorcheck, &mutexes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        ids[i] = (uintptr_t)engine_join(coros[i]);
        cr_assert_geq(ids[i], 0x400000u, "below the kernel's limit");
        cr_assert_leq(ids[i], (uintptr_t)FUTEX_TID_MASK);
    }
}

Test(tcb, ids_differ)
{
    enum { COUNT = 500 };
    static struct ut_coro *coros[COUNT];
    engine_start(1);
    for (int i = 0; i < COUNT; i++) {
        coros[i] = engine_obtain(use_malloc, NULL);
        for (int j = 0; j < i; j++)
            cr_assert_neq(coros[i]->thread_id, coros[j]->thread_id);
    }
}

/* No kernel thread is left behind, and nothing can be written into a TCB by the kernel. */
Test(tcb, costs_no_kernel_thread, .timeout = 60)
{
    engine_start(1);
    engine_run(use_malloc, NULL);
    unsigned before = engine_kernel_threads();
    for (int i = 0; i < 1000; i++)
        engine_obtain(use_malloc, NULL);
    until(engine_kernel_threads() == before); /* the last ones may be on their way out */
}

static void *ask_cpu(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        int cpu = sched_getcpu();
        must(cpu >= 0 && cpu < sysconf(_SC_NPROCESSORS_CONF));
        engine_yield();
    }
    return NULL;
}

Test(tcb, sched_getcpu_works_without_rseq, .timeout = 30)
{
    struct ut_coro *coros[10];
    engine_start(2);
    for (int i = 0; i < 10; i++)
        coros[i] = engine_launch(ask_cpu, NULL);
    for (int i = 0; i < 10; i++)
        engine_join(coros[i]);
}

static void *lives_on_its_stack(void *unused)
{
    struct ut_coro *self = ut_tls.coro;
    char *low = self->stack, *high = low + self->stack_size;
    (void)unused;
    must((char *)&self > low && (char *)&self < high);
    must((char *)self->handle > low && (char *)self->handle < high); /* the TCB is there, too */
    must((char *)&self < (char *)self->handle);
    must(low > (char *)self->slot && high <= (char *)self->slot + self->slot_size);
    return NULL;
}

Test(tcb, stack_and_tcb_are_in_the_slot, .timeout = 30)
{
    engine_start(1);
    engine_run(lives_on_its_stack, NULL);
}

/* Robust mutexes of a thread that ends with them held. */

static void *die_with_mutexes(void *argument)
{
    pthread_mutex_t *mutexes = argument;
    must(pthread_mutex_lock(&mutexes[0]) == 0);
    must(pthread_mutex_lock(&mutexes[1]) == 0);
    must(pthread_mutex_lock(&mutexes[2]) == 0);
    must(pthread_mutex_unlock(&mutexes[1]) == 0);
    return NULL;
}

static void *inherit_mutexes(void *argument)
{
    pthread_mutex_t *mutexes = argument;
    static const int expected[] = {EOWNERDEAD, 0, EOWNERDEAD};
    for (int i = 0; i < 3; i++) {
        must(pthread_mutex_lock(&mutexes[i]) == expected[i]);
        if (expected[i])
            must(pthread_mutex_consistent(&mutexes[i]) == 0);
        must(pthread_mutex_unlock(&mutexes[i]) == 0);
    }
    return NULL;
}

Test(tcb, robust_mutexes_of_the_dead_are_marked, .timeout = 30)
{
    static pthread_mutex_t mutexes[3];
    pthread_mutexattr_t robust;
    engine_start(1);
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; i < 3; i++)
        pthread_mutex_init(&mutexes[i], &robust);
    struct ut_coro *heir = engine_obtain(inherit_mutexes, mutexes); /* another one than the dead */
    engine_run(die_with_mutexes, mutexes);
    engine_release(heir);
    engine_join(heir);
    engine_run(die_with_mutexes, mutexes);
    inherit_mutexes(mutexes); /* natively, too */
}

/* Signals were blocked while it was made, and are as before afterwards. */
Test(tcb, the_callers_signal_mask_is_kept)
{
    sigset_t mask, after;
    engine_start(1);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    engine_obtain(use_malloc, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    cr_assert(sigismember(&after, SIGUSR1));
    cr_assert_not(sigismember(&after, SIGUSR2));
    cr_assert_not(sigismember(&after, SIGTERM));
}
