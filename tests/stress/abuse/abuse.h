/* SPDX-License-Identifier: MIT */
/*
 * What one thread may do to the others of its process. Each kind is a struct abuse in the file of
 * its family and a line in abuses.def.
 */
#ifndef ABUSE_H
#define ABUSE_H

#include "stress.h"

enum { MOST_ABUSERS = 1000 };

/* A hook that a kind does not need is NULL. */
struct abuse {
    const char *name;
    /* On the main thread, while there is no other; may fork. */
    void (*prepare)(long count);
    /* In a thread of its own for each index from 0. Returns when released, and has checked what its
     * calls gave it. With `holder` also once for HOLDER, who keeps the others waiting. */
    void (*commit)(long index);
    bool holder;
    /* How many abusers the kernel says are stuck: natively it must come to be all of them. */
    long (*stuck)(void);
    /* On the main thread, with `over` already set. */
    void (*release)(long count);
    /* On the main thread, when all have been joined. */
    void (*finish)(long count);
};

enum { HOLDER = -1 };

#define ABUSE(name) extern const struct abuse abuse_##name;
#include "abuses.def"
#undef ABUSE

/* For loops: set when the abusers are to end. */
extern _Atomic bool over;

/* Each abuser says so right before the call that it may not return from for long, or its loop. */
void abuse_enter(void);

/* Directory of the slow disk (slow_disk.c), NULL if there is none. */
extern const char *disk;

/* server.c: an echo server with a thread for each connection; returns its port. */
int server_start(void);

/* kernel.c */

/* Kernel threads of this process that are blocked in system call NUMBER, the first argument of
 * which is from LOW to HIGH. */
long kernel_blocked(long number, uintptr_t low, uintptr_t high);

/* System calls by an instruction of our own, which no library can see: negative errno values. */
long kernel_call(long number, long first, long second, long third, long fourth);

#endif
