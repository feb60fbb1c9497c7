/* SPDX-License-Identifier: MIT */
/*
 * check and compare are Python programs, in evaluate/ of the source tree. Debian's own interpreter
 * runs them: another one that is first in PATH may lack the libraries they need.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char interpreter[] = "/usr/bin/python3";

/* main.py COMMAND-PATH argv: the path, so that it runs this very command, and its library. */
static int become_evaluator(int argc, char **argv)
{
    char program[PATH_MAX], self[PATH_MAX];
    struct cli_reason reason;
    char **words;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0) {
        cli_complain("/proc/self/exe: %s", strerror(errno));
        return CLI_NOT_RUN;
    }
    self[length] = '\0';
    if (!cli_locate_evaluator(program, &reason)) {
        cli_complain("%s", reason.text);
        return CLI_NOT_RUN;
    }
    words = calloc((size_t)argc + 5, sizeof *words);
    if (words == NULL) {
        cli_complain("%s", strerror(errno));
        return CLI_NOT_RUN;
    }
    words[0] = (char *)interpreter;
    words[1] = "-B"; /* writes no files beside its sources */
    words[2] = program;
    words[3] = self;
    memcpy(words + 4, argv, (size_t)argc * sizeof *words);
    execv(interpreter, words);
    cli_complain("%s: %s", interpreter, strerror(errno));
    free(words);
    return CLI_NOT_RUN;
}

int cli_check(int argc, char **argv)
{
    return become_evaluator(argc, argv);
}

int cli_compare(int argc, char **argv)
{
    return become_evaluator(argc, argv);
}
