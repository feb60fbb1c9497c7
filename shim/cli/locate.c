/* SPDX-License-Identifier: MIT */
/*
 * What belongs to the command is beside it (a build directory, an unpacked archive), or where meson
 * put it: UNTHREAD_BINDIR, UNTHREAD_LIBDIR and UNTHREAD_LIBEXECDIR are meson's directories, relative
 * to the prefix. The prefix is first what is left of the command's own path without UNTHREAD_BINDIR,
 * so that an installed tree can be moved, then UNTHREAD_PREFIX.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libunthread.so"

static bool is_library(const char *path)
{
    struct cli_elf elf, self = cli_elf_self();
    struct stat status;
    int descriptor;

    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    cli_elf_inspect(descriptor, &elf);
    close(descriptor);
    /* A shared library has no loader of its own, so it looks like a static program. */
    return (elf.kind == CLI_ELF_STATIC || elf.kind == CLI_ELF_DYNAMIC) &&
           elf.machine == self.machine && elf.class == self.class;
}

/* The directory of this command, without a final slash. */
static bool own_directory(char directory[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    char *slash;

    if (length <= 0)
        return false;
    directory[length] = '\0';
    slash = strrchr(directory, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* Cuts "/bin" off "/opt/unthread/bin". */
static bool strip_bindir(char *directory)
{
    size_t length = strlen(directory);
    size_t tail = strlen(UNTHREAD_BINDIR);

    if (length <= tail || strcmp(directory + length - tail, UNTHREAD_BINDIR) != 0 ||
        directory[length - tail - 1] != '/')
        return false;
    directory[length - tail - 1] = '\0';
    return true;
}

/* Something to be found. */
struct part {
    const char *name;       /* relative to the directory that holds it */
    const char *directory;  /* where meson put it, relative to the prefix or absolute */
    bool (*accept)(const char *path);
};

static bool try(const struct part *part, const char *directory, const char *middle, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s%s/%s", directory, middle, part->name);

    return length < PATH_MAX && part->accept(path);
}

/* An absolute directory is outside every prefix. */
static bool try_prefix(const struct part *part, const char *prefix, char path[PATH_MAX])
{
    char directory[PATH_MAX];
    int length = *part->directory == '/'
                     ? snprintf(directory, sizeof directory, "%s", part->directory)
                     : snprintf(directory, sizeof directory, "%s/%s", prefix, part->directory);

    return length < PATH_MAX && (try(part, directory, "/unthread", path) || try(part, directory, "", path));
}

static bool find(const struct part *part, char path[PATH_MAX], struct cli_reason *reason)
{
    char directory[PATH_MAX];

    if (own_directory(directory)) {
        if (try(part, directory, "", path))
            return true;
        if (strip_bindir(directory) && try_prefix(part, directory, path))
            return true;
    }
    if (try_prefix(part, UNTHREAD_PREFIX, path))
        return true;
    return cli_because(reason, "%s is neither beside this command nor installed in %s%s%s", part->name,
                       *part->directory == '/' ? "" : UNTHREAD_PREFIX,
                       *part->directory == '/' ? "" : "/", part->directory);
}

bool cli_locate_library(char path[PATH_MAX], struct cli_reason *reason)
{
    static const struct part library = { LIBRARY, UNTHREAD_LIBDIR, is_library };

    if (!find(&library, path, reason))
        return false;
    /* The loader splits the list at the first two and expands $ORIGIN and its like. */
    if (strpbrk(path, ": $"))
        return cli_because(reason, "%s: LD_PRELOAD cannot hold a path with a space, : or $", path);
    return true;
}

static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool cli_locate_evaluator(char path[PATH_MAX], struct cli_reason *reason)
{
    static const struct part evaluator = { "evaluate/main.py", UNTHREAD_LIBEXECDIR, is_file };

    return find(&evaluator, path, reason);
}
