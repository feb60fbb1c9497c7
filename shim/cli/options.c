/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ut_config_setting *find_setting(const char *name, size_t length)
{
    for (int i = 0; i < UT_CONFIG_COUNT; i++)
        if (strncmp(ut_config_settings[i].option, name, length) == 0 &&
            ut_config_settings[i].option[length] == '\0')
            return &ut_config_settings[i];
    return NULL;
}

static bool refuse(const char *prefix, const char *name, const char *value,
                   const struct ut_config_setting *setting)
{
    char expected[256];

    cli_complain("%s%s=%.256s: expected %s", prefix, name, value,
                 ut_config_expected(setting, expected, sizeof expected));
    return false;
}

static bool export_variable(const char *variable, const char *value)
{
    if (setenv(variable, value, 1) == 0)
        return true;
    cli_complain("%s: %s", variable, strerror(errno));
    return false;
}

/* The option is checked here, to be named as it was written; the variable is what counts. */
static bool apply(const struct ut_config_setting *setting, const char *value)
{
    if (!ut_config_set(setting, value))
        return refuse("--", setting->option, value, setting);
    return export_variable(setting->variable, value);
}

/* Handles "--name", "--name=value" and "--name value"; *index is moved past what was used. */
static bool take_option(int argc, char **argv, int *index)
{
    const char *name = argv[*index] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct ut_config_setting *setting = find_setting(name, length);
    bool off = strcmp(name, "off") == 0;

    ++*index;
    if (off)
        return export_variable("UNTHREAD", "off");
    if (setting == NULL) {
        cli_complain("--%.*s: no such option (see --help)", (int)length, name);
        return false;
    }
    if (setting->kind == UT_CONFIG_KIND_FLAG) {
        if (value == NULL)
            return apply(setting, "1");
        cli_complain("--%s: takes no value", setting->option);
        return false;
    }
    if (value == NULL && *index < argc)
        value = argv[(*index)++];
    if (value != NULL)
        return apply(setting, value);
    cli_complain("--%s: needs a value (%s)", setting->option, setting->argument);
    return false;
}

static void complain_of_variable(void *context, const struct ut_config_setting *setting,
                                 const char *value)
{
    bool *first = context;

    if (*first)
        refuse("", setting->variable, value, setting);
    *first = false; /* one line is enough */
}

/* Daemons change to the root directory before the first line is logged. */
static bool make_log_file_absolute(void)
{
    const char *given = ut_config.log_file;
    char directory[PATH_MAX];
    char path[2 * PATH_MAX];

    if (given == NULL || *given == '/')
        return true;
    if (getcwd(directory, sizeof directory) == NULL || *directory != '/') {
        cli_complain("%s: the log file needs an absolute path here", given);
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", directory, given);
    return apply(&ut_config_settings[UT_CONFIG_log_file], path);
}

/* The library loses lines that it cannot write; better said now. A FIFO may get its reader yet. */
static bool try_log_file(void)
{
    int descriptor;

    if (ut_config.log_file == NULL)
        return true;
    descriptor = open(ut_config.log_file,
                      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    if (descriptor >= 0) {
        close(descriptor);
        return true;
    }
    if (errno == ENXIO)
        return true;
    cli_complain("cannot write the log file %s: %s", ut_config.log_file, strerror(errno));
    return false;
}

static bool settle(void)
{
    bool fine = true;

    ut_config_load(environ, complain_of_variable, &fine);
    return fine && make_log_file_absolute() && try_log_file();
}

enum cli_options_result cli_options_parse(int argc, char **argv, int *first)
{
    int index = 1;

    while (index < argc && argv[index][0] == '-' && argv[index][1] != '\0') {
        if (strcmp(argv[index], "--") == 0) {
            index++;
            break;
        }
        if (strcmp(argv[index], "--help") == 0)
            return CLI_OPTIONS_HELP;
        if (strcmp(argv[index], "--version") == 0)
            return CLI_OPTIONS_VERSION;
        if (argv[index][1] != '-') {
            cli_complain("%s: no such option (see --help)", argv[index]);
            return CLI_OPTIONS_REFUSED;
        }
        if (!take_option(argc, argv, &index))
            return CLI_OPTIONS_REFUSED;
    }
    *first = index;
    return settle() ? CLI_OPTIONS_DONE : CLI_OPTIONS_REFUSED;
}
