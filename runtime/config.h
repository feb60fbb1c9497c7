/* SPDX-License-Identifier: MIT */
/*
 * The settings of this process, from the UNTHREAD_* variables. The only reader of the environment.
 *
 * Nothing here allocates, uses stdio or looks at the locale, so that the library can load its
 * configuration in an early constructor. The command compiles the same file: its options and the
 * variables go through one parser.
 */
#ifndef UT_CONFIG_H
#define UT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* Longest TEXT value, with its final zero: any path fits. */
#define UT_CONFIG_TEXT_SIZE 4096

/* The settings in the order of settings.def: an index into ut_config_settings. */
enum ut_config_index {
#define SETTING(field, ...) UT_CONFIG_##field,
#include "settings.def"
#undef SETTING
    UT_CONFIG_COUNT
};

enum ut_config_kind {
    UT_CONFIG_KIND_FLAG,
    UT_CONFIG_KIND_COUNT,
    UT_CONFIG_KIND_SIZE,
    UT_CONFIG_KIND_CHOICE,
    UT_CONFIG_KIND_LIST,
    UT_CONFIG_KIND_TEXT,
};

#define UT_CONFIG_TYPE_FLAG bool
#define UT_CONFIG_TYPE_COUNT unsigned long
#define UT_CONFIG_TYPE_SIZE size_t
#define UT_CONFIG_TYPE_CHOICE int
#define UT_CONFIG_TYPE_LIST unsigned
#define UT_CONFIG_TYPE_TEXT const char *

/*
 * Written by ut_config_load, once, before there is a second thread; read by everybody afterwards
 * without any synchronisation. Holds the defaults before that.
 */
struct ut_config {
    bool off; /* UNTHREAD=off: stay out of the way entirely */
#define SETTING(field, option, variable, kind, ...) UT_CONFIG_TYPE_##kind field;
#include "settings.def"
#undef SETTING
};

extern struct ut_config ut_config __attribute__((visibility("hidden")));

/* The words of UNTHREAD_NATIVE_CALLS in settings.def, in the same order. */
enum ut_config_family {
    UT_CONFIG_FILES,
    UT_CONFIG_NAMES,
    UT_CONFIG_STDIO,
};

/* Shall calls of FAMILY be left to libc? */
static inline bool ut_config_leaves(enum ut_config_family family)
{
    return ut_config.native_calls >> family & 1;
}

/* One line of settings.def. */
struct ut_config_setting {
    const char *option;
    const char *variable;
    enum ut_config_kind kind;
    unsigned long long initial, low, high;
    const char *argument;
    const char *help;
    void *field; /* in ut_config */
    char *copy;  /* TEXT: where the value is kept, UT_CONFIG_TEXT_SIZE bytes; else NULL */
};

extern const struct ut_config_setting ut_config_settings[UT_CONFIG_COUNT]
    __attribute__((visibility("hidden")));

/* Told of a value that was ignored. The setting may be one outside ut_config_settings: UNTHREAD. */
typedef void ut_config_complaint(void *context, const struct ut_config_setting *setting,
                                 const char *value);

/*
 * Sets ut_config from the defaults and the variables in the environment (may be NULL). An empty
 * variable counts as unset. Complaints come after every setting has its value, so a complaint
 * that logs finds the log's own settings in force. A set-user-ID process gets the defaults: its
 * environment belongs to somebody else.
 */
void ut_config_load(char *const *environment, ut_config_complaint *complain, void *context)
    __attribute__((visibility("hidden")));

/* Gives one setting a value. False, with nothing changed, if the value makes no sense. */
bool ut_config_set(const struct ut_config_setting *setting, const char *value)
    __attribute__((visibility("hidden")));

/* The value of a variable, or NULL. */
const char *ut_config_find(char *const *environment, const char *variable)
    __attribute__((visibility("hidden")));

/* Describes the values that a setting takes, for "NAME=value: expected ...". Returns text. */
const char *ut_config_expected(const struct ut_config_setting *setting, char *text, size_t size)
    __attribute__((visibility("hidden")));

#endif
