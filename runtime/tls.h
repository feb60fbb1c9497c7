/* SPDX-License-Identifier: MIT */
/*
 * The runtime's thread-local state. Every coroutine has a thread control block of its own, so
 * these variables belong to the coroutine and not to the carrier that happens to run it: their
 * addresses never change under a coroutine, and no context switch has to touch them.
 */
#ifndef UT_TLS_H
#define UT_TLS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ut_coro;
struct ut_carrier;

/* The first one blocks all others; more come only while its handler is being entered. */
enum { UT_TLS_DEFERRED = 3 };

struct ut_tls {
    struct ut_coro *coro;       /* this coroutine; NULL on native threads and on carriers */
    struct ut_carrier *carrier; /* this carrier; NULL on coroutines and native threads */
    uint32_t critical;          /* depth of sections in which the program's handlers must wait */
    bool forking;               /* between the handlers before and after a fork: init.c */
    bool internal;              /* a thread of the runtime's own: always the real functions */
    _Atomic bool attention;     /* a signal waits: looked at when a critical section closes; set
                                   by this thread's handlers and, for coroutines, by others */
    uint32_t random;            /* state of shake.c's generator */
    unsigned deferred;          /* signals that came in a critical section and wait right here: */
    siginfo_t deferred_info[UT_TLS_DEFERRED];
    uint64_t deferred_mask;     /* the kernel's mask to go back to once it has been delivered */
};

extern __thread struct ut_tls ut_tls
    __attribute__((aligned(64), tls_model("initial-exec"), visibility("hidden")));

#endif
