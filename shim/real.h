/* SPDX-License-Identifier: MIT */
/*
 * The functions behind the interposed ones. Each is looked up when it is first needed, all that
 * are left when the runtime starts: a program that never makes a thread pays for what it calls.
 * The only room that calls dlsym.
 */
#ifndef UT_REAL_H
#define UT_REAL_H

#include "shim.h"

enum ut_symbol {
#define SYMBOL(name, policy, family) UT_SYMBOL_##name,
#include "symbols.def"
#undef SYMBOL
    UT_SYMBOL_COUNT
};

/* Filled once each, with the same value by whoever comes first: relaxed accesses suffice. */
extern void *ut_real_table[UT_SYMBOL_COUNT];

/* Look SYMBOL up. Dies if libc lacks it: then nobody can have been linked against it. */
void *ut_real_resolve(enum ut_symbol symbol);

/* From now on real() of SYMBOL is FUNCTION: libc's own leads to us. At the start of the runtime. */
void ut_real_replace(enum ut_symbol symbol, void *function);

/* Look up whatever has not been yet, and what the runtime wants to know of libc. */
void ut_real_resolve_all(void);

static inline void *ut_real_get(enum ut_symbol symbol)
{
    void *function = __atomic_load_n(&ut_real_table[symbol], __ATOMIC_RELAXED);
    return __builtin_expect(function != NULL, 1) ? function : ut_real_resolve(symbol);
}

/* The real function NAME, with its type. */
#define real(name) ((__typeof__(&name))ut_real_get(UT_SYMBOL_##name))

/* Names outside the list that the shim needs: the C++ destructors, debugger descriptors. */
void *ut_real_find(const char *name);

/* NAME in LIBRARY, which dlopen gave. */
void *ut_real_find_in(void *library, const char *name);

#endif
