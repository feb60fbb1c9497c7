/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <string.h>

struct command {
    const char *name;
    int (*function)(int argc, char **argv);
};

static const struct command commands[] = {
#define COMMAND(name, synopsis, help) { #name, cli_##name },
#include "commands.def"
#undef COMMAND
};

int main(int argc, char **argv)
{
    if (argc > 1)
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
            if (strcmp(argv[1], commands[i].name) == 0)
                return commands[i].function(argc - 1, argv + 1);
    return cli_run(argc, argv);
}
