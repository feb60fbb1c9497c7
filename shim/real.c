/* SPDX-License-Identifier: MIT */
#include "real.h"

#include "libc.h"
#include "log.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
#define SYMBOL(name, policy, family) #name,
#include "symbols.def"
#undef SYMBOL
};

void *ut_real_table[UT_SYMBOL_COUNT];

/*
 * The old condition variables (GLIBC_2.2.5, a pointer to the real one) are another type; plain
 * dlsym may find them on some versions.
 */
static void *look_up(const char *name)
{
#ifdef __x86_64__
    if (strncmp(name, "pthread_cond_", 13) == 0) {
        void *function = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
        if (function)
            return function;
    }
#endif
    return dlsym(RTLD_NEXT, name);
}

static void *resolve(enum ut_symbol symbol)
{
    void *function = look_up(names[symbol]);
    if (!function)
        ut_die("a function of libc that the program calls cannot be found");
    __atomic_store_n(&ut_real_table[symbol], function, __ATOMIC_RELAXED);
    return function;
}

/*
 * Who makes a pipe, or waits for a child, forks and forks again: a shell. What its children call
 * first is looked up before they are there, or each of them would do it anew.
 */
static void prepare_for_children(void)
{
    static const enum ut_symbol usual[] = {
        UT_SYMBOL_close, UT_SYMBOL_dup2, UT_SYMBOL_fcntl, UT_SYMBOL_read, UT_SYMBOL_write,
        UT_SYMBOL___longjmp_chk,
    };
    for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!ut_real_table[usual[i]])
            resolve(usual[i]);
}

void *ut_real_resolve(enum ut_symbol symbol)
{
    void *function = resolve(symbol);
    if (symbol == UT_SYMBOL_pipe || symbol == UT_SYMBOL_pipe2 || symbol == UT_SYMBOL_waitpid ||
        symbol == UT_SYMBOL_wait3)
        prepare_for_children();
    return function;
}

void ut_real_replace(enum ut_symbol symbol, void *function)
{
    __atomic_store_n(&ut_real_table[symbol], function, __ATOMIC_RELAXED);
}

void *ut_real_find(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *ut_real_find_in(void *library, const char *name)
{
    return dlsym(library, name);
}

void ut_real_resolve_all(void)
{
    for (unsigned i = 0; i < UT_SYMBOL_COUNT; i++) {
        void *function = ut_real_table[i] ? NULL : look_up(names[i]);
        if (function) /* an older libc lacks the newest ones, and so do its programs */
            __atomic_store_n(&ut_real_table[i], function, __ATOMIC_RELAXED);
    }
    ut_libc.pthread_create = real(pthread_create);
    ut_libc.tid_field = ut_real_find("_thread_db_pthread_tid");
    ut_libc.cancel_field = ut_real_find("_thread_db_pthread_cancelhandling");
    ut_libc.rseq_offset = ut_real_find("__rseq_offset");
}
