/* SPDX-License-Identifier: MIT */
/*
 * On which CPUs a thread may run: pthread_setaffinity_np(3), sched_setaffinity(2). Lanes run on any
 * CPU of the process's, so a coroutine that is to run on some of them only gets a kernel thread of
 * its own (ut_sched_bind), which is given these; it is counted, and goes on parking as it did. New
 * threads inherit the CPUs of their makers.
 */
#include "affinity.h"

#include "carrier.h"
#include "lock.h"
#include "real.h"
#include "signals.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

/* Some kernel thread of the program's own has had its CPUs changed: new threads might inherit them.
 */
static _Atomic bool changed;

static long get_cpus(int thread, size_t size, void *set)
{
    return ut_syscall3(SYS_sched_getaffinity, thread, size < INT_MAX ? size : INT_MAX, set);
}

/* Would the kernel accept SET? 0 or a positive error. Tried on the calling kernel thread, and
 * undone. */
static int examine(size_t size, const cpu_set_t *set)
{
    struct ut_cpus before;
    ut_critical_begin(); /* stay on this kernel thread */
    long bytes = get_cpus(0, sizeof before.words, before.words);
    long result = ut_syscall3(SYS_sched_setaffinity, 0, size, set);
    if (result == 0 && bytes > 0)
        ut_syscall3(SYS_sched_setaffinity, 0, bytes, before.words);
    ut_critical_end();
    return (int)-result;
}

/* What CORO may use of SET's, as the kernel would say it. */
static void remember(struct ut_coro *coro, size_t size, const void *set)
{
    struct ut_cpus cpus = {0};
    memcpy(cpus.words, set, size < sizeof cpus.words ? size : sizeof cpus.words);
    for (size_t i = 0; i < sizeof cpus.words / sizeof *cpus.words; i++)
        cpus.words[i] &= ut_carrier_usual_cpus()->words[i];
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    if (!coro->cpus)
        coro->cpus = ut_sys_map(sizeof *coro->cpus); /* stays with the stack slot */
    if (coro->cpus)
        *coro->cpus = cpus;
    coro->has_cpus = coro->cpus;
    ut_lock_release(&coro->lock);
    ut_critical_end();
}

static bool are_usual(size_t size, const void *set)
{
    const struct ut_cpus *usual = ut_carrier_usual_cpus();
    struct ut_cpus cpus = {0};
    memcpy(cpus.words, set, size < sizeof cpus.words ? size : sizeof cpus.words);
    for (size_t i = 0; i < sizeof cpus.words / sizeof *cpus.words; i++)
        if ((cpus.words[i] & usual->words[i]) != usual->words[i])
            return false;
    return true;
}

/* Have what was remembered take effect. */
static void apply(struct ut_coro *coro)
{
    ut_critical_begin();
    if (coro != ut_tls.coro) {
        int thread = coro->bound ? ut_carrier_of(coro) : 0;
        if (thread)
            ut_carrier_set_cpus(thread, coro->cpus);
        else
            ut_sched_bind(coro); /* from its next resumption on */
    } else if (coro->bound) {
        ut_carrier_set_cpus(0, coro->cpus);
    } else {
        ut_sched_bind(coro);
        ut_sched_yield(coro); /* and comes back on a kernel thread of its own */
    }
    ut_critical_end();
}

UT_EXPORT int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro) {
        atomic_store(&changed, true);
        return real(pthread_setaffinity_np)(thread, size, set);
    }
    if (atomic_load(&coro->life) & UT_CORO_FINISHED)
        return ESRCH;
    int error = examine(size, set);
    if (error || (!coro->has_cpus && are_usual(size, set)))
        return error;
    remember(coro, size, set);
    apply(coro);
    return 0;
}

UT_EXPORT int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
    struct ut_coro *coro = ut_coro_find(thread);
    if (!coro)
        return real(pthread_getaffinity_np)(thread, size, set);
    /* The kernel knows what sizes are wrong; it gives the caller's CPUs, which may be others. */
    long bytes = get_cpus(0, size, set);
    if (bytes < 0)
        return (int)-bytes;
    struct ut_cpus cpus = *ut_carrier_usual_cpus();
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    if (coro->has_cpus)
        cpus = *coro->cpus;
    ut_lock_release(&coro->lock);
    ut_critical_end();
    memset(set, 0, size);
    memcpy(set, cpus.words, size < sizeof cpus.words ? size : sizeof cpus.words);
    return 0;
}

/* The coroutine that THREAD, an argument of the calls below, means. */
static struct ut_coro *meant(pid_t thread)
{
    if (!ut_shim_started())
        return NULL;
    return thread == 0 ? ut_shim_self() : ut_signals_find(thread);
}

UT_EXPORT int sched_setaffinity(pid_t thread, size_t size, const cpu_set_t *set)
{
    struct ut_coro *coro = meant(thread);
    if (coro)
        return (int)ut_shim_return(-pthread_setaffinity_np(coro->handle, size, set));
    atomic_store(&changed, true);
    return real(sched_setaffinity)(thread, size, set);
}

UT_EXPORT int sched_getaffinity(pid_t thread, size_t size, cpu_set_t *set)
{
    struct ut_coro *coro = meant(thread);
    return coro ? (int)ut_shim_return(-pthread_getaffinity_np(coro->handle, size, set))
                : real(sched_getaffinity)(thread, size, set);
}

/* Attributes that name no CPUs give a set of all that there could be. */
static bool names_cpus(const pthread_attr_t *attributes, struct ut_cpus *cpus)
{
    return attributes && pthread_attr_getaffinity_np(attributes, sizeof cpus->words,
                                                     (cpu_set_t *)cpus->words) == 0;
}

void ut_affinity_inherit(struct ut_coro *coro, const pthread_attr_t *attributes)
{
    struct ut_cpus cpus;
    coro->has_cpus = false;
    if (!names_cpus(attributes, &cpus) || are_usual(sizeof cpus.words, cpus.words)) {
        struct ut_coro *maker = ut_tls.coro;
        long bytes = maker && maker->has_cpus ? (long)sizeof cpus.words : 0;
        if (bytes)
            cpus = *maker->cpus;
        else if (!maker && atomic_load(&changed))
            bytes = get_cpus(0, sizeof cpus.words, cpus.words);
        if (bytes <= 0 || are_usual((size_t)bytes, cpus.words))
            return;
        memset((char *)cpus.words + bytes, 0, sizeof cpus.words - (size_t)bytes);
    }
    remember(coro, sizeof cpus.words, cpus.words);
    ut_sched_bind(coro);
}
