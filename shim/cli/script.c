/* SPDX-License-Identifier: MIT */
/* After fs/binfmt_script.c: what is a script, and where its interpreter's name ends. */
#include "cli.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *next, const char *end)
{
    while (next < end && is_blank(*next))
        next++;
    return next;
}

/* The first blank or zero; end if there is none. */
static const char *find_terminator(const char *next, const char *end)
{
    while (next < end && !is_blank(*next) && *next != '\0')
        next++;
    return next;
}

static void copy(char to[CLI_SCRIPT_LINE], const char *from, const char *end)
{
    size_t length = strnlen(from, end - from);

    memcpy(to, from, length);
    to[length] = '\0';
}

bool cli_script_parse(const char *head, size_t length, struct cli_script *script)
{
    char line[CLI_SCRIPT_LINE] = "";
    const char *last = line + sizeof line - 1;
    const char *end, *name, *name_end;

    memcpy(line, head, length < sizeof line ? length : sizeof line);
    if (line[0] != '#' || line[1] != '!')
        return false;
    end = memchr(line, '\n', sizeof line);
    if (end == NULL) {
        /* Cut off by the kernel's buffer: an argument may be, the interpreter may not. */
        name = skip_blanks(line + 2, last + 1);
        if (find_terminator(name, last + 1) == last + 1)
            return false;
        end = last;
    }
    while (end > line + 2 && is_blank(end[-1]))
        end--;
    name = skip_blanks(line + 2, end);
    if (name == end || *name == '\0')
        return false;
    name_end = find_terminator(name, end);
    copy(script->interpreter, name, name_end);
    script->argument[0] = '\0';
    if (name_end < end && *name_end != '\0')
        copy(script->argument, skip_blanks(name_end, end), end);
    return true;
}

/* Takes the next word off *rest. */
static bool next_word(const char **rest, char word[CLI_SCRIPT_LINE])
{
    const char *start = skip_blanks(*rest, *rest + strlen(*rest));
    const char *end = find_terminator(start, start + strlen(start));

    copy(word, start, end);
    *rest = end;
    return end > start;
}

static bool starts(const char **text, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

/* Without -S the argument is one word, blanks and all. */
bool cli_script_env_target(const char *argument, char target[CLI_SCRIPT_LINE])
{
    const char *rest = argument;

    if (!starts(&rest, "-S") && !starts(&rest, "--split-string=") && !starts(&rest, "-vS")) {
        copy(target, argument, argument + strlen(argument));
        return *target != '\0' && *target != '-' && strchr(target, '=') == NULL;
    }
    if (strpbrk(rest, "\\\"'$#"))
        return false; /* env's own quoting */
    while (next_word(&rest, target)) {
        if (strcmp(target, "-i") == 0 || strchr(target, '=') != NULL)
            continue;
        return *target != '-';
    }
    return false;
}
