/* SPDX-License-Identifier: MIT */
/*
 * The log: one line, one write, on standard error or appended to UNTHREAD_LOG_FILE.
 *
 * Works on any stack and thread, with or without a lane, in signal handlers and constructors:
 * raw system calls only, no lock, no memory, errno untouched. The thread does block if standard
 * error does. A line costs about 2.5 KB of the caller's stack.
 */
#ifndef UT_LOG_H
#define UT_LOG_H

#include <stddef.h>

#include "config.h"

/* The words of UNTHREAD_LOG in settings.def, in the same order. */
enum ut_log_level {
    UT_LOG_OFF,
    UT_LOG_ERROR,
    UT_LOG_WARN,
    UT_LOG_INFO,
    UT_LOG_DEBUG,
};

/* One load and one compare when this level is not wanted; the arguments are then not evaluated. */
#define ut_log(level, ...)                                                                         \
    do {                                                                                           \
        if (__builtin_expect(ut_config.log >= (int)(level), 0))                                    \
            ut_log_line(__VA_ARGS__);                                                              \
    } while (0)

/* Remember what standard error is, before the program can change it. Once, at load. */
void ut_log_start(void) __attribute__((visibility("hidden")));

/* Writes "unthread[PID]: TEXT\n" whatever the level. TEXT is cut at about 400 bytes. */
void ut_log_line(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold, visibility("hidden")));

/* Sends finished lines (the statistics, say) where the log goes, as they are. */
void ut_log_bytes(const char *bytes, size_t length) __attribute__((cold, visibility("hidden")));

/* For ut_config_load: logs a warning about a value that was ignored. */
void ut_log_complaint(void *unused, const struct ut_config_setting *setting, const char *value)
    __attribute__((visibility("hidden")));

/* The impossible has happened. Says so on standard error, whatever the settings, and aborts. */
void ut_die(const char *text) __attribute__((noreturn, cold, visibility("hidden")));

#endif
