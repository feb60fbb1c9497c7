/* SPDX-License-Identifier: MIT */
/*
 * What the test programs share: saying what was observed, in words that are the same on every run.
 *
 * A program prints results, names of errors and verdicts about time, never an address, an id or a
 * duration. The native run is the oracle; where the right answer is known anyway, expect() states
 * it, and a native run that breaks an expectation means that the test itself is wrong.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The status of a program whose expectation failed; the harness knows it. */
#define BROKEN_EXPECTATION 99

static int broken_expectations;

/* Not mapped in any program; volatile, so that the compiler cannot see what is wrong with it. */
static void *volatile bad_pointer = (void *)8;

/* Flushes at once, so that the lines before a fork, a signal or an _exit are neither lost nor
 * doubled; leaves errno alone, so that it can be used between a call and a look at errno. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
    errno = saved;
}

static inline const char *error_name(int error)
{
    const char *name = error ? strerrorname_np(error) : "0";
    return name ? name : "unknown error";
}

static inline void show_result(const char *text, long result)
{
    if (result == -1)
        say("%s -> -1 %s\n", text, error_name(errno));
    else
        say("%s -> %ld\n", text, result);
}

static inline void must_hold(const char *text, int line, const char *error)
{
    say("line %d: %s failed: %s\n", line, text, error);
    exit(BROKEN_EXPECTATION);
}

/* For calls that return an error number, and for calls that return -1 and set errno. */
#define show(call) say("%s -> %s\n", #call, error_name(call))
#define show_sys(call) show_result(#call, (long)(call))

#define must(call)                                                                                 \
    do {                                                                                           \
        int must_error = (call);                                                                   \
        if (must_error)                                                                            \
            must_hold(#call, __LINE__, error_name(must_error));                                    \
    } while (0)

#define must_sys(call)                                                                             \
    ({                                                                                             \
        long must_result = (long)(call);                                                           \
        if (must_result == -1)                                                                     \
            must_hold(#call, __LINE__, error_name(errno));                                         \
        must_result;                                                                               \
    })

#define expect(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __atomic_fetch_add(&broken_expectations, 1, __ATOMIC_RELAXED);                         \
            say("line %d: expected %s\n", __LINE__, #condition);                                   \
        }                                                                                          \
    } while (0)

static inline int finished(void)
{
    say("finished\n");
    return broken_expectations ? BROKEN_EXPECTATION : 0;
}

/* Time, in nanoseconds of a clock, and as verdicts. */

#define MILLISECOND 1000000ll
#define SECOND 1000000000ll

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static inline int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static inline struct timespec timespec_of(int64_t ns)
{
    struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};
    return t;
}

static inline struct timespec deadline_on(clockid_t clock, int ms)
{
    return timespec_of(clock_ns(clock) + ms * MILLISECOND);
}

/* The upper bound is wide, because a loaded machine is late and that is no fault; it only tells a
 * wait that ended from one that something else ended much later. */
static inline const char *elapsed_word(int64_t start_ns, int at_least_ms)
{
    int64_t elapsed = now_ns() - start_ns;
    if (elapsed < at_least_ms * MILLISECOND)
        return "early";
    return elapsed > (at_least_ms + 2500) * MILLISECOND ? "very late" : "in time";
}

/* Makes it likely that the other threads have reached the call that blocks them. No outcome may
 * depend on it: it only chooses the more interesting of two correct executions. */
static inline void settle(void)
{
    struct timespec pause = {0, 20 * MILLISECOND};
    nanosleep(&pause, NULL);
}

/* Threads; the argument of the many is their index. */

/* Signal THREAD until it says that its call has returned: it may not be in it yet. */
static inline void signal_until(pthread_t thread, int number, const volatile int *returned)
{
    while (!*returned) {
        pthread_kill(thread, number);
        settle();
    }
}

static inline pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, argument));
    return thread;
}

static inline void start_many(pthread_t *threads, int count, void *(*routine)(void *))
{
    for (int i = 0; i < count; i++)
        threads[i] = start(routine, (void *)(intptr_t)i);
}

static inline void *join(pthread_t thread)
{
    void *result;
    must(pthread_join(thread, &result));
    return result;
}

static inline void join_many(const pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        join(threads[i]);
}

/* A process that only a signal ends. */
static inline pid_t child_that_waits(void)
{
    pid_t process = (pid_t)must_sys(fork());
    if (process == 0)
        for (;;)
            pause();
    return process;
}

static inline int index_of(void *argument)
{
    return (int)(intptr_t)argument;
}

#endif
