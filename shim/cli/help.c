/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMN = 30, WIDTH = 80 };

bool cli_because(struct cli_reason *reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    return false;
}

/* One write, so that the line stays whole when several commands share a terminal or a log. */
void cli_complain(const char *format, ...)
{
    static const char prefix[] = "unthread: ";
    char line[sizeof prefix + sizeof(struct cli_reason) + PATH_MAX];
    size_t start = sizeof prefix - 1;
    va_list arguments;
    int wanted;
    size_t end;

    memcpy(line, prefix, start);
    va_start(arguments, format);
    wanted = vsnprintf(line + start, sizeof line - start, format, arguments);
    va_end(arguments);
    end = start + (wanted < 0 ? 0 : (size_t)wanted);
    if (end > sizeof line - 1)
        end = sizeof line - 1;
    /* Names come from files and users: no escape sequences for the terminal, no second line. */
    for (size_t i = start; i < end; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[end] = '\n';
    while (write(STDERR_FILENO, line, end + 1) < 0 && errno == EINTR)
        ;
}

/* Prints words from COLUMN on, given that the cursor is in some column of a line. */
static void print_wrapped(int cursor, const char *text)
{
    if (cursor >= COLUMN - 1) {
        putchar('\n');
        cursor = 0;
    }
    printf("%*s", COLUMN - cursor, "");
    cursor = COLUMN;
    while (*text) {
        int word = (int)strcspn(text, " ");

        if (cursor > COLUMN && cursor + 1 + word > WIDTH) {
            printf("\n%*s", COLUMN, "");
            cursor = COLUMN;
        }
        cursor += printf("%s%.*s", cursor > COLUMN ? " " : "", word, text);
        text += word;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_setting(const struct ut_config_setting *setting)
{
    int cursor = printf("  --%s%s%s", setting->option, *setting->argument ? "=" : "",
                        setting->argument);
    char text[512];
    char initial[64] = "";

    if (setting->kind == UT_CONFIG_KIND_CHOICE)
        snprintf(initial, sizeof initial, "; default %.*s",
                 (int)strcspn(setting->argument, "|"), setting->argument);
    else if (setting->initial != 0)
        snprintf(initial, sizeof initial, "; default %llu", setting->initial);
    snprintf(text, sizeof text, "%s [%s%s]", setting->help, setting->variable, initial);
    print_wrapped(cursor, text);
}

/* /dev/full and closed pipes: a text that was not read to the end is a failure. */
int cli_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    cli_complain("standard output: %s", strerror(errno));
    return 1;
}

int cli_help(void)
{
    printf("Usage: unthread [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
           "       unthread COMMAND ...\n\n"
           "Run a program with its threads as coroutines on a few kernel threads.\n\n"
           "Commands:\n");
#define COMMAND(name, synopsis, help) print_wrapped(printf("  " #name), help);
#include "commands.def"
#undef COMMAND
    printf("\nOptions, and the variables that do the same:\n");
    for (int i = 0; i < UT_CONFIG_COUNT; i++)
        print_setting(&ut_config_settings[i]);
    print_wrapped(printf("  --off"), "load the runtime but leave it inert [UNTHREAD=off]");
    print_wrapped(printf("  --help"), "print this text");
    print_wrapped(printf("  --version"), "print the version");
    printf("\nThe exit status is the program's own; 2 if the program was refused, 126 if the\n"
           "system would not run it.\n");
    return cli_finish();
}

int cli_version(void)
{
    printf("unthread %s\n", UNTHREAD_VERSION);
    return cli_finish();
}
