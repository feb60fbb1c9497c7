/* SPDX-License-Identifier: MIT */
/*
 * unthread PROGRAM: checks, sets LD_PRELOAD and becomes the program. There is no parent that
 * stays: exit status, signals, terminal and process ID are the program's own.
 */
#include "cli.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Any libunthread.so: two of them in one process would fight over its threads. */
static bool is_ours(const char *entry, size_t length)
{
    static const char name[] = "libunthread.so";
    size_t size = sizeof name - 1;

    return length >= size && memcmp(entry + length - size, name, size) == 0 &&
           (length == size || entry[length - size - 1] == '/');
}

/* Puts the library first in LD_PRELOAD, keeping what else is there. */
static bool set_preload(const char *library, struct cli_reason *reason)
{
    const char *rest = ut_config_find(environ, "LD_PRELOAD");
    size_t length = strlen(library);
    char *list;
    bool done;

    if (rest == NULL)
        rest = "";
    list = malloc(length + 1 + strlen(rest) + 1);
    if (list == NULL)
        return cli_because(reason, "LD_PRELOAD: %s", strerror(errno));
    memcpy(list, library, length);
    for (;;) {
        size_t entry;

        rest += strspn(rest, " :");
        entry = strcspn(rest, " :");
        if (entry == 0)
            break;
        if (!is_ours(rest, entry)) {
            list[length++] = ':';
            memcpy(list + length, rest, entry);
            length += entry;
        }
        rest += entry;
    }
    list[length] = '\0';
    done = setenv("LD_PRELOAD", list, 1) == 0;
    free(list);
    return done || cli_because(reason, "LD_PRELOAD: %s", strerror(errno));
}

/* Returns only if the program cannot be run. */
static int become(char **argv)
{
    char path[PATH_MAX], library[PATH_MAX];
    struct cli_reason reason;

    if (!cli_program_find(argv[0], path, &reason) || !cli_program_examine(path, &reason)) {
        cli_complain("%s: %s", argv[0], reason.text);
        return CLI_REFUSED;
    }
    if (!cli_locate_library(library, &reason) || !set_preload(library, &reason)) {
        cli_complain("%s", reason.text);
        return CLI_REFUSED;
    }
    execve(path, argv, environ);
    cli_complain("%s: %s", argv[0], strerror(errno));
    return CLI_NOT_RUN;
}

int cli_run(int argc, char **argv)
{
    int first;

    switch (cli_options_parse(argc, argv, &first)) {
    case CLI_OPTIONS_HELP:
        return cli_help();
    case CLI_OPTIONS_VERSION:
        return cli_version();
    case CLI_OPTIONS_REFUSED:
        return CLI_REFUSED;
    case CLI_OPTIONS_DONE:
        break;
    }
    if (first == argc) {
        cli_complain("no program given (see --help)");
        return CLI_REFUSED;
    }
    return become(argv + first);
}
