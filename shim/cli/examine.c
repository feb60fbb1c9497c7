/* SPDX-License-Identifier: MIT */
/* unthread examine: what "run" would say of a program, without running it. */
#include "cli.h"

#include <stdio.h>

int cli_examine(int argc, char **argv)
{
    char path[PATH_MAX];
    struct cli_reason reason;

    if (argc != 2) {
        cli_complain("examine needs one program (see --help)");
        return CLI_REFUSED;
    }
    if (!cli_program_find(argv[1], path, &reason) || !cli_program_examine(path, &reason)) {
        cli_complain("%s: %s", argv[1], reason.text);
        return CLI_REFUSED;
    }
    puts(path);
    return cli_finish();
}
