/* SPDX-License-Identifier: MIT */
/*
 * The library is beside the command (a build directory, an unpacked archive), or where meson put
 * it: UNTHREAD_BINDIR and UNTHREAD_LIBDIR are meson's directories, relative to the prefix. The
 * prefix is first what is left of the command's own path without UNTHREAD_BINDIR, so that an
 * installed tree can be moved, then UNTHREAD_PREFIX.
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

static bool try(const char *directory, const char *middle, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s%s/" LIBRARY, directory, middle);

    return length < PATH_MAX && is_library(path);
}

/* An absolute libdir is outside every prefix. */
static bool try_prefix(const char *prefix, char path[PATH_MAX])
{
    char directory[PATH_MAX];
    int length = *UNTHREAD_LIBDIR == '/'
                     ? snprintf(directory, sizeof directory, "%s", UNTHREAD_LIBDIR)
                     : snprintf(directory, sizeof directory, "%s/%s", prefix, UNTHREAD_LIBDIR);

    return length < PATH_MAX &&
           (try(directory, "/unthread", path) || try(directory, "", path));
}

static bool find(char path[PATH_MAX])
{
    char directory[PATH_MAX];

    if (own_directory(directory)) {
        if (try(directory, "", path))
            return true;
        if (strip_bindir(directory) && try_prefix(directory, path))
            return true;
    }
    return try_prefix(UNTHREAD_PREFIX, path);
}

bool cli_locate_library(char path[PATH_MAX], struct cli_reason *reason)
{
    if (!find(path))
        return cli_because(reason,
                           LIBRARY " is neither beside this command nor installed in %s%s%s",
                           *UNTHREAD_LIBDIR == '/' ? "" : UNTHREAD_PREFIX,
                           *UNTHREAD_LIBDIR == '/' ? "" : "/", UNTHREAD_LIBDIR);
    /* The loader splits the list at the first two and expands $ORIGIN and its like. */
    if (strpbrk(path, ": $"))
        return cli_because(reason, "%s: LD_PRELOAD cannot hold a path with a space, : or $", path);
    return true;
}
