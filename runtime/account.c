/* SPDX-License-Identifier: MIT */
#include "account.h"

#include "carrier.h"
#include "clock.h"
#include "config.h"
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
    const void *lock;
    void *start; /* routine */
    unsigned long count;
    int64_t total, longest;
    /* Of the longest one: */
    char thread[16];
    uintptr_t where;
    unsigned captures, depth;
    uintptr_t stack[DEPTH];
};

struct table {
    unsigned count;
    struct kind kinds[KINDS + 1]; /* the last one: all others */
};

/* Guarded by the lock, a leaf. */
static struct ut_lock account_lock;
static struct table held, locks, threads;

bool ut_account_is_kept(void)
{
    return ut_config.stats || ut_config.stats_signal;
}

/* Collecting */

static bool is_same(const struct kind *a, const struct kind *b)
{
    return a->what == b->what && a->call == b->call && a->lock == b->lock && a->start == b->start;
}

/* NULL: there is none yet, or no more. */
static struct kind *find(struct table *table, const struct kind *key)
{
    for (unsigned i = 0; i < table->count; i++)
        if (is_same(&table->kinds[i], key))
            return &table->kinds[i];
    return NULL;
}

static void add(struct kind *kind, unsigned long count, int64_t total, int64_t longest)
{
    kind->count += count;
    kind->total += total;
    if (longest > kind->longest)
        kind->longest = longest;
}

/* Room for KEY. In a full table the least one goes to the others for it. */
static struct kind *enter(struct table *table, const struct kind *key)
{
    struct kind *kind = &table->kinds[table->count], *others = &table->kinds[KINDS];
    if (table->count == KINDS) {
        kind = table->kinds;
        for (unsigned i = 1; i < KINDS; i++)
            if (table->kinds[i].total < kind->total)
                kind = &table->kinds[i];
        others->what = "others";
        add(others, kind->count, kind->total, kind->longest);
    } else {
        table->count++;
    }
    *kind = *key;
    return kind;
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

/* Sum up an episode; true if its stack is wanted. */
static bool sum_up(struct table *table, const struct kind *key, int64_t span)
{
    ut_lock_acquire(&account_lock);
    struct kind *kind = find(table, key);
    if (!kind)
        kind = enter(table, key);
    bool wanted = span > kind->longest + kind->longest / 2 && kind->captures < CAPTURES;
    add(kind, 1, span, span);
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
static void keep_stack(struct table *table, const struct kind *key, const struct ut_coro *coro,
                       uintptr_t where)
{
    struct trace trace = {0};
    ut_tls.internal = true; /* whatever it locks, it waits for it in the kernel */
    _Unwind_Backtrace(note_frame, &trace);
    ut_tls.internal = false;
    ut_lock_acquire(&account_lock);
    struct kind *kind = find(table, key);
    if (kind) {
        memcpy(kind->thread, coro->name, sizeof kind->thread);
        memcpy(kind->stack, trace.frames, sizeof kind->stack);
        kind->depth = trace.depth;
        kind->where = where;
    }
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
    struct kind key = {.what = episode->what, .call = episode->call, .start = (void *)coro->start};
    int64_t span = ut_clock_now() - episode->since;
    if (ut_account_is_kept() && sum_up(&held, &key, span))
        keep_stack(&held, &key, coro, episode->where);
    ut_log(UT_LOG_DEBUG, "a kernel thread was held for %.3f ms: %s, thread \"%s\"",
           (double)span / UT_MILLISECOND,
           name_of(episode->what, episode->call, text, sizeof text), coro->name);
    episode->since = 0;
}

void ut_account_waited(struct ut_coro *coro, struct ut_episode *episode)
{
    struct kind key = {.what = episode->what, .lock = episode->lock};
    if (sum_up(&locks, &key, ut_clock_now() - episode->since))
        keep_stack(&locks, &key, coro, 0);
}

void ut_account_begin_life(struct ut_coro *coro)
{
    if (ut_account_is_kept())
        atomic_store_explicit(&coro->alive_since, ut_clock_now(), memory_order_relaxed);
}

void ut_account_end_life(struct ut_coro *coro)
{
    struct kind key = {.start = (void *)coro->start};
    int64_t since = atomic_load_explicit(&coro->alive_since, memory_order_relaxed);
    if (!since)
        return;
    atomic_store_explicit(&coro->alive_since, 0, memory_order_relaxed);
    sum_up(&threads, &key, ut_clock_now() - since);
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

/* What KIND's row says. */
static const char *head_of(const struct kind *kind, char *text, size_t size)
{
    char lock[LINE / 4];
    if (kind->lock)
        snprintf(text, size, "%s of %s", kind->what, describe((uintptr_t)kind->lock, lock, sizeof lock));
    else if (kind->start && !kind->depth)
        describe((uintptr_t)kind->start, text, size);
    else
        return name_of(kind->what, kind->call, text, size);
    return text;
}

static void print_kind(const struct kind *kind)
{
    char text[LINE / 2];
    print("%12lu  %10.3f  %10.3f  %s\n", kind->count, (double)kind->total / UT_MILLISECOND,
          (double)kind->longest / UT_MILLISECOND, head_of(kind, text, sizeof text));
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

/* Those that live still are counted as if they ended now. Racy by nature, as all that is printed. */
static void add_living(struct table *table)
{
    int64_t now = ut_clock_now();
    for (struct ut_coro *coro = ut_coro_next(NULL); coro; coro = ut_coro_next(coro)) {
        int64_t since = atomic_load_explicit(&coro->alive_since, memory_order_relaxed);
        struct kind key = {.start = (void *)coro->start};
        if (!since)
            continue;
        struct kind *kind = find(table, &key);
        add(kind ? kind : enter(table, &key), 1, now - since, now - since);
    }
}

static void print_table(const char *title, const struct table *table, struct table *copy)
{
    struct kind worst;
    ut_lock_acquire(&account_lock);
    memcpy(copy, table, sizeof *copy);
    ut_lock_release(&account_lock);
    if (table == &threads)
        add_living(copy);
    unsigned count = copy->count;
    if (copy->kinds[KINDS].count)
        copy->kinds[count++] = copy->kinds[KINDS];
    print("%12s  %10s  %10s  %s: the worst of %u\n", "times", "total ms", "longest ms", title, count);
    for (unsigned i = 0; i < SHOWN && take_worst(copy->kinds, count, &worst); i++)
        print_kind(&worst);
}

void ut_account_print(void)
{
    struct table *copy = ut_sys_map(sizeof *copy); /* too large for the caller's stack */
    if (!copy)
        return;
    print_table("which threads there were", &threads, copy);
    print_table("which locks were waited for", &locks, copy);
    print_table("what held a kernel thread", &held, copy);
    ut_syscall2(SYS_munmap, copy, sizeof *copy);
    ut_carrier_each_pinned(print_current);
}

/* Most processes have no account: its pages stay untouched, then. */
static void forget(struct table *table)
{
    if (table->count)
        memset(table->kinds, 0, sizeof table->kinds);
    table->count = 0;
}

void ut_account_forked(void)
{
    account_lock = (struct ut_lock){0};
    forget(&held);
    forget(&locks);
    forget(&threads);
}
