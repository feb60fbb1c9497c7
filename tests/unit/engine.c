/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include "config.h"
#include "libc.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { STACK = 64 * 1024 };

void engine_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

static void body(struct ut_coro *coro)
{
    coro->result = coro->start(coro->argument);
}

static void deliver_nothing(void)
{
    ut_tls.attention = false;
    ut_tls.deferred = false;
}

void engine_start(unsigned lanes)
{
    ut_libc.pthread_create = pthread_create;
    ut_libc.tid_field = dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid");
    ut_libc.cancel_field = dlsym(RTLD_DEFAULT, "_thread_db_pthread_cancelhandling");
    ut_libc.rseq_offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
    cr_assert_not_null(ut_libc.tid_field, "this libc does not describe its threads");
    ut_arch_init(true);
    ut_coro_body = body;
    ut_critical_deliver = deliver_nothing;
    ut_config.carriers = lanes;
    cr_assert_eq(ut_sched_start(), 0);
    cr_assert(ut_sched_started());
    cr_assert_eq(ut_lane_count, lanes);
}

struct ut_coro *engine_obtain(void *(*start)(void *), void *argument)
{
    int error = 0;
    struct ut_coro *coro = ut_coro_obtain(STACK, &error);
    must(coro);
    /* Born by now, so that those that are launched run in this order; the programs do without. */
    until(coro->recycled || atomic_load(&coro->parking) == UT_CORO_PARKED);
    coro->start = start;
    coro->argument = argument;
    coro->result = NULL;
    atomic_store(&coro->life, 0);
    atomic_store(&coro->pending, 0);
    atomic_store(&coro->interrupted, false);
    coro->alternate_stack = (stack_t){.ss_flags = SS_DISABLE};
    ut_coro_set_mask(coro, 0);
    return coro;
}

void engine_release(struct ut_coro *coro)
{
    ut_critical_begin();
    ut_sched_launch(coro);
    ut_critical_end();
}

struct ut_coro *engine_launch(void *(*start)(void *), void *argument)
{
    struct ut_coro *coro = engine_obtain(start, argument);
    engine_release(coro);
    return coro;
}

struct ut_coro *engine_launch_detached(void *(*start)(void *), void *argument)
{
    struct ut_coro *coro = engine_obtain(start, argument);
    atomic_store(&coro->life, UT_CORO_DETACHED);
    engine_release(coro);
    return coro;
}

void *engine_join(struct ut_coro *coro)
{
    void *result = NULL;
    ut_critical_begin();
    int error = ut_coro_join(coro, &result, UT_FOREVER);
    ut_critical_end();
    must(error == 0);
    return result;
}

void *engine_run(void *(*start)(void *), void *argument)
{
    return engine_join(engine_launch(start, argument));
}

void engine_yield(void)
{
    ut_critical_begin();
    ut_sched_yield(ut_tls.coro);
    ut_critical_end();
}

unsigned engine_kernel_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    must(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}
