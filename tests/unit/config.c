/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct heard {
    int count;
    char variable[64];
    char value[64];
    int log_at_the_time;
};

static void hear(void *context, const struct ut_config_setting *setting, const char *value)
{
    struct heard *heard = context;

    heard->count++;
    snprintf(heard->variable, sizeof heard->variable, "%s", setting->variable);
    snprintf(heard->value, sizeof heard->value, "%s", value);
    heard->log_at_the_time = ut_config.log;
}

/* Loads an environment given as a list of variables; returns how many were refused. */
#define load(...) load_list((char *[]){ __VA_ARGS__, NULL })

static int load_list(char **environment)
{
    struct heard heard = { 0 };

    ut_config_load(environment, hear, &heard);
    return heard.count;
}

static void expect_defaults(void)
{
    cr_expect_not(ut_config.off);
    cr_expect_eq(ut_config.carriers, 0);
    cr_expect_eq(ut_config.stack_size, 0);
    cr_expect_eq(ut_config.log, 0);
    cr_expect_null(ut_config.log_file);
    cr_expect_not(ut_config.stats);
    cr_expect_eq(ut_config.native_calls, 0);
    cr_expect_eq(ut_config.region_us, 50);
    cr_expect_eq(ut_config.hog_ms, 10);
}

Test(config, defaults_hold_before_and_after_an_empty_environment)
{
    expect_defaults();
    ut_config_load(NULL, NULL, NULL);
    expect_defaults();
    cr_expect_eq(load("HOME=/root", "UNTHREAD_CARRIERSX=4", "UNTHREAD_CARRIERS"), 0);
    expect_defaults();
}

Test(config, every_kind_is_read)
{
    cr_expect_eq(load("UNTHREAD_CARRIERS=7", "UNTHREAD_STACK_SIZE=64K", "UNTHREAD_LOG=debug",
                      "UNTHREAD_LOG_FILE=/a b:c", "UNTHREAD_STATS=yes"), 0);
    cr_expect_eq(ut_config.carriers, 7);
    cr_expect_eq(ut_config.stack_size, 65536);
    cr_expect_eq(ut_config.log, 4);
    cr_expect_str_eq(ut_config.log_file, "/a b:c");
    cr_expect(ut_config.stats);
}

Test(config, loading_again_forgets_what_was_loaded_before)
{
    load("UNTHREAD_CARRIERS=7", "UNTHREAD=off", "UNTHREAD_LOG_FILE=x");
    load("UNTHREAD_STATS=1");
    cr_expect_eq(ut_config.carriers, 0);
    cr_expect_not(ut_config.off);
    cr_expect_null(ut_config.log_file);
}

Test(config, off_has_four_spellings)
{
    static char *const off[] = { "UNTHREAD=off", "UNTHREAD=0", "UNTHREAD=no", "UNTHREAD=false" };
    static char *const on[] = { "UNTHREAD=on", "UNTHREAD=1", "UNTHREAD=yes", "UNTHREAD=true",
                                "UNTHREAD=" };

    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        cr_expect_eq(load(off[i]), 0);
        cr_expect(ut_config.off, "%s", off[i]);
    }
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        cr_expect_eq(load(on[i]), 0);
        cr_expect_not(ut_config.off, "%s", on[i]);
    }
    cr_expect_eq(load("UNTHREAD=maybe"), 1);
    cr_expect_not(ut_config.off);
}

Test(config, nonsense_keeps_the_default)
{
    static char *const nonsense[] = {
        "UNTHREAD_CARRIERS=-1", "UNTHREAD_CARRIERS=+1", "UNTHREAD_CARRIERS= 1",
        "UNTHREAD_CARRIERS=1 ", "UNTHREAD_CARRIERS=0x10", "UNTHREAD_CARRIERS=1025",
        "UNTHREAD_CARRIERS=4K", "UNTHREAD_CARRIERS=four",
        "UNTHREAD_CARRIERS=18446744073709551617", "UNTHREAD_CARRIERS=99999999999999999999999",
        "UNTHREAD_HOG_TIME=0", "UNTHREAD_HOG_TIME=60001",
        "UNTHREAD_STACK_SIZE=16383", "UNTHREAD_STACK_SIZE=5G", "UNTHREAD_STACK_SIZE=K",
        "UNTHREAD_STACK_SIZE=64KB", "UNTHREAD_STACK_SIZE=18014398509481985K",
        "UNTHREAD_STACK_SIZE=17179869185G",
        "UNTHREAD_LOG=of", "UNTHREAD_LOG=debugger", "UNTHREAD_LOG=off|error", "UNTHREAD_LOG=|",
        "UNTHREAD_LOG=3", "UNTHREAD_LOG=Debug", "UNTHREAD_STATS=2", "UNTHREAD_STATS=onn",
        "UNTHREAD_NATIVE_CALLS=file", "UNTHREAD_NATIVE_CALLS=files,", "UNTHREAD_NATIVE_CALLS=,",
        "UNTHREAD_NATIVE_CALLS=names,,files", "UNTHREAD_NATIVE_CALLS=names, files",
        "UNTHREAD_NATIVE_CALLS=names|files", "UNTHREAD_NATIVE_CALLS=names,sockets",
    };

    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        cr_expect_eq(load(nonsense[i]), 1, "%s was taken", nonsense[i]);
        expect_defaults();
    }
}

Test(config, families_of_calls_are_left_to_libc)
{
    cr_expect_eq(load("UNTHREAD_NATIVE_CALLS=stdio,files,stdio"), 0);
    cr_expect(ut_config_leaves(UT_CONFIG_FILES));
    cr_expect(ut_config_leaves(UT_CONFIG_STDIO));
    cr_expect_not(ut_config_leaves(UT_CONFIG_NAMES));
    cr_expect_eq(load("UNTHREAD_NATIVE_CALLS=names"), 0);
    cr_expect(ut_config_leaves(UT_CONFIG_NAMES));
    cr_expect_not(ut_config_leaves(UT_CONFIG_FILES));
    cr_expect_not(ut_config_leaves(UT_CONFIG_STDIO));
}

Test(config, limits_are_inside)
{
    cr_expect_eq(load("UNTHREAD_CARRIERS=1024", "UNTHREAD_STACK_SIZE=4G", "UNTHREAD_HOG_TIME=1"),
                 0);
    cr_expect_eq(ut_config.carriers, 1024);
    cr_expect_eq(ut_config.stack_size, 1ull << 32);
    cr_expect_eq(ut_config.hog_ms, 1);
    cr_expect_eq(load("UNTHREAD_STACK_SIZE=16k"), 0);
    cr_expect_eq(ut_config.stack_size, 16384);
}

Test(config, a_complaint_names_variable_and_value_and_comes_last)
{
    char *environment[] = { "UNTHREAD_CARRIERS=many", "UNTHREAD_LOG=warn", NULL };
    struct heard heard = { 0 };

    ut_config_load(environment, hear, &heard);
    cr_expect_eq(heard.count, 1);
    cr_expect_str_eq(heard.variable, "UNTHREAD_CARRIERS");
    cr_expect_str_eq(heard.value, "many");
    cr_expect_eq(heard.log_at_the_time, ut_config.log);
    cr_expect_eq(ut_config.log, 2);
}

Test(config, the_first_of_two_counts_as_for_getenv)
{
    cr_expect_eq(load("UNTHREAD_CARRIERS=5", "UNTHREAD_CARRIERS=6"), 0);
    cr_expect_eq(ut_config.carriers, 5);
}

Test(config, text_survives_a_process_title)
{
    char variable[] = "UNTHREAD_LOG_FILE=/var/log/x";

    load(variable);
    memset(variable, 'T', sizeof variable - 1);
    cr_expect_str_eq(ut_config.log_file, "/var/log/x");
}

Test(config, text_has_a_limit)
{
    static char variable[32 + UT_CONFIG_TEXT_SIZE] = "UNTHREAD_LOG_FILE=";
    size_t start = strlen(variable);

    memset(variable + start, 'x', UT_CONFIG_TEXT_SIZE);
    cr_expect_eq(load(variable), 1);
    cr_expect_null(ut_config.log_file);
    variable[start + UT_CONFIG_TEXT_SIZE - 1] = '\0';
    cr_expect_eq(load(variable), 0);
    cr_expect_eq(strlen(ut_config.log_file), UT_CONFIG_TEXT_SIZE - 1);
}

/* What the help text says must be what the parser does, for every line of settings.def. */
Test(config, the_table_is_consistent)
{
    for (int i = 0; i < UT_CONFIG_COUNT; i++) {
        const struct ut_config_setting *setting = &ut_config_settings[i];
        char number[32];
        char variable[64] = "UNTHREAD_";

        for (size_t j = 0; setting->option[j]; j++) {
            char letter = setting->option[j];
            variable[9 + j] = letter == '-' ? '_' : letter - 'a' + 'A';
        }
        cr_expect_str_eq(setting->variable, variable);
        cr_expect_eq(setting->copy != NULL, setting->kind == UT_CONFIG_KIND_TEXT);
        cr_expect_not(ut_config_set(setting, ""));
        if (setting->kind != UT_CONFIG_KIND_COUNT && setting->kind != UT_CONFIG_KIND_SIZE)
            continue;
        snprintf(number, sizeof number, "%llu", setting->low);
        cr_expect(ut_config_set(setting, number), "%s=%s", variable, number);
        snprintf(number, sizeof number, "%llu", setting->high);
        cr_expect(ut_config_set(setting, number), "%s=%s", variable, number);
        snprintf(number, sizeof number, "%llu", setting->high + 1);
        cr_expect_not(ut_config_set(setting, number), "%s=%s", variable, number);
    }
}

Test(config, expectations_are_readable_and_fit)
{
    char text[64];
    char guarded[8] = "xxxxxxx";

    cr_expect_str_eq(ut_config_expected(&ut_config_settings[UT_CONFIG_carriers], text, 64),
                     "a number from 0 to 1024");
    cr_expect_str_eq(ut_config_expected(&ut_config_settings[UT_CONFIG_stack_size], text, 64),
                     "a size from 16K to 4G");
    cr_expect_str_eq(ut_config_expected(&ut_config_settings[UT_CONFIG_fsgsbase], text, 64),
                     "one of auto|off");
    cr_expect_str_eq(ut_config_expected(&ut_config_settings[UT_CONFIG_native_calls], text, 64),
                     "some of files,names,stdio");
    cr_expect_str_eq(ut_config_expected(&ut_config_settings[UT_CONFIG_carriers], guarded, 6),
                     "a num");
    cr_expect_eq(guarded[6], 'x');
}
