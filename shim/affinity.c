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

/* The program has asked for certain CPUs, for whatever: until then a new thread gets all. */
static _Atomic bool used;

static long get_cpus(int thread, size_t size, void *set)
{
    return ut_syscall3(SYS_sched_getaffinity, thread, size < INT_MAX ? size : INT_MAX, set);
}

/* Would the kernel accept SET? 0 or a positive error. Tried on the caller's kernel thread. */
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

/* SET with room for all; bytes that are not in it are 0. */
static struct ut_cpus widened(size_t size, const void *set)
{
    struct ut_cpus cpus = {0};
    memcpy(cpus.words, set, size < sizeof cpus.words ? size : sizeof cpus.words);
    return cpus;
}

enum { WORDS = sizeof((struct ut_cpus *)NULL)->words / sizeof(unsigned long) };

/* All that the process has? */
static bool are_usual(const struct ut_cpus *cpus)
{
    const struct ut_cpus *usual = ut_carrier_usual_cpus();
    for (size_t i = 0; i < WORDS; i++)
        if ((cpus->words[i] & usual->words[i]) != usual->words[i])
            return false;
    return true;
}

/* CORO may run on CPUS only, as far as the process has them. The caller holds its lock. */
static void remember(struct ut_coro *coro, const struct ut_cpus *cpus)
{
    if (!coro->cpus)
        coro->cpus = ut_sys_map(sizeof *coro->cpus); /* stays with the stack slot */
    coro->has_cpus = coro->cpus;
    for (size_t i = 0; coro->has_cpus && i < WORDS; i++)
        coro->cpus->words[i] = cpus->words[i] & ut_carrier_usual_cpus()->words[i];
}

UT_EXPORT int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    struct ut_coro *coro = ut_coro_find(thread);
    atomic_store(&used, true);
    if (!coro)
        return real(pthread_setaffinity_np)(thread, size, set);
    if (atomic_load(&coro->life) & UT_CORO_FINISHED)
        return ESRCH;
    int error = examine(size, set);
    if (error)
        return error;
    struct ut_cpus cpus = widened(size, set);
    ut_critical_begin();
    ut_lock_acquire(&coro->lock);
    bool changes = coro->has_cpus || !are_usual(&cpus);
    if (changes) {
        remember(coro, &cpus);
        ut_carrier_apply_cpus(coro);
    }
    ut_lock_release(&coro->lock);
    if (changes && coro == ut_tls.coro && !coro->bound)
        ut_sched_yield(coro); /* and comes back on a kernel thread of its own */
    ut_critical_end();
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
    atomic_store(&used, true);
    return real(sched_setaffinity)(thread, size, set);
}

UT_EXPORT int sched_getaffinity(pid_t thread, size_t size, cpu_set_t *set)
{
    struct ut_coro *coro = meant(thread);
    return coro ? (int)ut_shim_return(-pthread_getaffinity_np(coro->handle, size, set))
                : real(sched_getaffinity)(thread, size, set);
}

UT_EXPORT int pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size,
                                          const cpu_set_t *set)
{
    atomic_store(&used, true);
    return real(pthread_attr_setaffinity_np)(attributes, size, set);
}

/* What ATTRIBUTES name, or else what the maker has. False: all. Attributes that name none give all. */
static bool find_cpus(const pthread_attr_t *attributes, struct ut_cpus *cpus)
{
    struct ut_coro *maker = ut_tls.coro;
    if (attributes &&
        pthread_attr_getaffinity_np(attributes, sizeof cpus->words, (cpu_set_t *)cpus->words) == 0 &&
        !are_usual(cpus))
        return true;
    memset(cpus, 0, sizeof *cpus);
    if (maker && maker->has_cpus)
        *cpus = *maker->cpus;
    return maker ? maker->has_cpus : get_cpus(0, sizeof cpus->words, cpus->words) > 0 && !are_usual(cpus);
}

void ut_affinity_inherit(struct ut_coro *coro, const pthread_attr_t *attributes)
{
    struct ut_cpus cpus;
    coro->has_cpus = false;
    if (__builtin_expect(!atomic_load_explicit(&used, memory_order_relaxed), 1) ||
        !find_cpus(attributes, &cpus))
        return;
    remember(coro, &cpus); /* nobody else knows CORO yet: no lock */
    ut_sched_bind(coro);
}
