/* SPDX-License-Identifier: MIT */
#include "account.h"

#include "carrier.h"
#include "clock.h"
#include "coro.h"
#include "lock.h"
#include "log.h"
#include "observe.h"
#include "sched.h"
#include "stats.h"
#include "syscall-names.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

enum {
    KINDS = 256,   /* rows; what does not fit is counted in one for all */
    DEPTH = 24,    /* frames kept, our own included */
    SHOWN = 10,    /* rows printed, and frames of each */
    CAPTURES = 16, /* stacks taken for one row at most: bounds what a growing longest one costs */
    LINE = 320,
};

const char UT_COMPUTES[] = "computing", UT_FAULTS[] = "page fault";

struct kind {
    const char *what;
    long call;
    void *start;
    unsigned long count;
    int64_t total, longest;
    /* Of the longest one: */
    char thread[16];
    uintptr_t where;
    unsigned captures, depth;
    uintptr_t stack[DEPTH];
};

/* Guarded by the lock, a leaf. */
static struct ut_lock account_lock;
static struct kind kinds[KINDS + 1];
static unsigned kind_count;

/* Collecting */

/* The caller holds the lock. */
static struct kind *find(const struct ut_episode *episode, void *start)
{
    for (unsigned i = 0; i < kind_count; i++)
        if (kinds[i].what == episode->what && kinds[i].call == episode->call &&
            kinds[i].start == start)
            return &kinds[i];
    if (kind_count == KINDS) {
        kinds[KINDS].what = "others";
        return &kinds[KINDS];
    }
    kinds[kind_count].what = episode->what;
    kinds[kind_count].call = episode->call;
    kinds[kind_count].start = start;
    return &kinds[kind_count++];
}

struct trace {
    unsigned depth;
    uintptr_t frames[DEPTH];
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *opaque)
{
    struct trace *trace = opaque;
    if (trace->depth == DEPTH)
        return _URC_END_OF_STACK;
    trace->frames[trace->depth++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

/* Enter the episode; true if its stack is wanted. */
static bool sum_up(const struct ut_coro *coro, const struct ut_episode *episode, int64_t span)
{
    ut_lock_acquire(&account_lock);
    struct kind *kind = find(episode, (void *)coro->start);
    bool wanted = span > kind->longest + kind->longest / 2 && kind->captures < CAPTURES;
    kind->count++;
    kind->total += span;
    if (span > kind->longest)
        kind->longest = span;
    kind->captures += wanted;
    ut_lock_release(&account_lock);
    return wanted;
}

/*
 * The unwinder prepares itself under a pthread_once. Two coroutines that came to it first at the same
 * time would wait for one another in the lot, and here, where a wait is about to begin, another
 * one must not: so that is done before there are any.
 */
void ut_account_start(void)
{
    struct trace trace = {0};
    _Unwind_Backtrace(note_frame, &trace);
}

/* The unwinder takes locks of the dynamic linker's, so the account's is not held meanwhile. */
static void keep_stack(const struct ut_coro *coro, const struct ut_episode *episode)
{
    struct trace trace = {0};
    ut_tls.internal = true; /* whatever it locks, it waits for it in the kernel */
    _Unwind_Backtrace(note_frame, &trace);
    ut_tls.internal = false;
    ut_lock_acquire(&account_lock);
    struct kind *kind = find(episode, (void *)coro->start);
    memcpy(kind->thread, coro->name, sizeof kind->thread);
    memcpy(kind->stack, trace.frames, sizeof kind->stack);
    kind->depth = trace.depth;
    kind->where = episode->where;
    ut_lock_release(&account_lock);
}

static const char *name_of(const char *what, long call, char *text, size_t size)
{
    static const char *const names[] = {UT_SYSCALL_NAMES};
    if (what)
        return what;
    if (call >= 0 && call < (long)(sizeof names / sizeof *names) && names[call])
        snprintf(text, size, "system call %s, undeclared", names[call]);
    else
        snprintf(text, size, "system call %ld, undeclared", call);
    return text;
}

void ut_account_close(struct ut_coro *coro, struct ut_episode *episode)
{
    char text[64];
    int64_t span = ut_clock_now() - episode->since;
    if (sum_up(coro, episode, span))
        keep_stack(coro, episode);
    ut_log(UT_LOG_DEBUG, "a kernel thread was held for %.3f ms: %s, thread \"%s\"",
           (double)span / UT_MILLISECOND,
           name_of(episode->what, episode->call, text, sizeof text), coro->name);
    episode->since = 0;
}

/* Printing */

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *format, ...)
{
    char line[LINE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    ut_log_bytes(line, (size_t)length);
}

/* "function+offset (object)", as far as the object tells. */
static const char *describe(uintptr_t address, char *text, size_t size)
{
    Dl_info info;
    if (!dladdr((void *)address, &info) || !info.dli_fname) {
        snprintf(text, size, "%#lx", (unsigned long)address);
        return text;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *object = slash ? slash + 1 : info.dli_fname;
    if (info.dli_sname)
        snprintf(text, size, "%s+%#lx (%s)", info.dli_sname,
                 (unsigned long)(address - (uintptr_t)info.dli_saddr), object);
    else
        snprintf(text, size, "%s+%#lx", object,
                 (unsigned long)(address - (uintptr_t)info.dli_fbase));
    return text;
}

static bool is_own(uintptr_t address)
{
    Dl_info own, here;
    return dladdr((void *)(uintptr_t)ut_account_close, &own) && dladdr((void *)address, &here) &&
           here.dli_fbase == own.dli_fbase;
}

/* The program's frames: without the library's own on both sides, and what lies below those. */
static void print_stack(const struct kind *kind)
{
    char text[LINE / 2];
    unsigned first = 0, last;
    while (first < kind->depth && is_own(kind->stack[first]))
        first++;
    for (last = first; last < kind->depth && last < first + SHOWN; last++) {
        if (!kind->stack[last] || is_own(kind->stack[last]))
            break;
        print("%40s%s %s\n", "", last == first ? "at" : "  ",
              describe(kind->stack[last], text, sizeof text));
    }
}

static void print_kind(const struct kind *kind)
{
    char text[LINE / 2];
    print("%12lu  %10.3f  %10.3f  %s\n", kind->count, (double)kind->total / UT_MILLISECOND,
          (double)kind->longest / UT_MILLISECOND,
          name_of(kind->what, kind->call, text, sizeof text));
    if (!kind->depth)
        return;
    print("%40sthread \"%.15s\"", "", kind->thread);
    if (kind->start)
        print(" of %s", describe((uintptr_t)kind->start, text, sizeof text));
    print("\n");
    if (kind->where)
        print("%40sin %s\n", "", describe(kind->where, text, sizeof text));
    print_stack(kind);
}

/* The worst that has not been printed; its total is taken out. */
static bool take_worst(struct kind *all, unsigned count, struct kind *worst)
{
    struct kind *found = NULL;
    for (unsigned i = 0; i < count; i++)
        if (all[i].count && (!found || all[i].total > found->total))
            found = &all[i];
    if (!found)
        return false;
    *worst = *found;
    found->count = 0;
    return true;
}

static void print_current(const struct ut_coro *coro, const struct ut_episode *episode)
{
    char text[LINE / 2];
    print("%12s  %10.3f  %10s  %s\n", "still",
          (double)(ut_clock_now() - episode->since) / UT_MILLISECOND, "",
          name_of(episode->what, episode->call, text, sizeof text));
    print("%40sthread \"%.15s\" of %s\n", "", coro->name,
          describe((uintptr_t)coro->start, text, sizeof text));
    if (episode->where)
        print("%40sin %s\n", "", describe(episode->where, text, sizeof text));
}

void ut_account_print(void)
{
    struct kind worst, *copy = ut_sys_map(sizeof kinds); /* too large for the caller's stack */
    if (!copy)
        return;
    ut_lock_acquire(&account_lock);
    unsigned count = kind_count;
    memcpy(copy, kinds, sizeof kinds);
    ut_lock_release(&account_lock);
    if (copy[KINDS].count)
        copy[count++] = copy[KINDS];
    print("%12s  %10s  %10s  what held a kernel thread: the worst of %u\n", "times", "total ms",
          "longest ms", count);
    for (unsigned i = 0; i < SHOWN && take_worst(copy, count, &worst); i++)
        print_kind(&worst);
    ut_syscall2(SYS_munmap, copy, sizeof kinds);
    ut_carrier_each_pinned(print_current);
}

void ut_account_forked(void)
{
    account_lock = (struct ut_lock){0};
    memset(kinds, 0, sizeof kinds);
    kind_count = 0;
}
