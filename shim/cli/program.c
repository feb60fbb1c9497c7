/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Scripts and env(1) can be chained in a ring; the kernel's own limit starts anew at each env. */
#define FILES_MAX 40

/* 0 if the file could be executed as far as its mode says, else what exec would say. */
static int executable(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static bool say_why(int error, struct cli_reason *reason)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return cli_because(reason, "no such program");
    case EISDIR:
        return cli_because(reason, "is a directory");
    case EACCES:
        return cli_because(reason, "not executable (permission denied)");
    default:
        return cli_because(reason, "%s", strerror(error));
    }
}

/*
 * Tries each directory as execvp does: a file that may not be executed does not end the search,
 * but is what is reported if nothing better comes. Returns 0 or an errno.
 */
static int search(const char *name, const char *directories, char path[PATH_MAX])
{
    int result = ENOENT;

    for (;;) {
        size_t length = strcspn(directories, ":");
        /* An empty entry is the current directory. */
        int wanted = snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, directories,
                              length > 0 ? "/" : "./", name);
        int error = wanted < PATH_MAX ? executable(path) : ENAMETOOLONG;

        if (error == 0)
            return 0;
        /* A directory that may not be searched says EACCES too, but has no such file to show. */
        if (result != EACCES && (error == EACCES || error == EISDIR) && access(path, F_OK) == 0)
            result = error;
        if (directories[length] == '\0')
            return result;
        directories += length + 1;
    }
}

bool cli_program_find(const char *name, char path[PATH_MAX], struct cli_reason *reason)
{
    const char *directories = ut_config_find(environ, "PATH");
    int error;

    if (*name == '\0')
        error = ENOENT;
    else if (strlen(name) >= PATH_MAX)
        error = ENAMETOOLONG;
    else if (strchr(name, '/'))
        error = executable(strcpy(path, name));
    else
        error = search(name, directories ? directories : "/bin:/usr/bin", path);
    return error == 0 || say_why(error, reason);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_glibc_loader(const char *path)
{
    return strncmp(base_name(path), "ld-linux", 8) == 0 ||
           strncmp(base_name(path), "ld-2.", 5) == 0;
}

/* The loader may go by another name (ld-lsb, a link of the vendor's); then its target counts. */
static bool loader_allows(const char *loader, struct cli_reason *reason)
{
    char target[PATH_MAX];
    int error = executable(loader);

    if (!is_glibc_loader(loader) && !(realpath(loader, target) && is_glibc_loader(target)))
        return cli_because(reason, "uses another C library than glibc (loader %s)", loader);
    if (error != 0)
        return cli_because(reason, "its loader %s: %s", loader, strerror(error));
    return true;
}

static bool elf_allows(const char *path, int descriptor, struct cli_reason *reason)
{
    struct cli_elf elf, self = cli_elf_self();
    char theirs[64], ours[64], target[PATH_MAX];

    cli_elf_inspect(descriptor, &elf);
    switch (elf.kind) {
    case CLI_ELF_DYNAMIC:
        return loader_allows(elf.loader, reason);
    case CLI_ELF_STATIC:
        /* The loader itself, used as a command, looks static but does load what it is told. */
        if (realpath(path, target) && is_glibc_loader(target))
            return true;
        return cli_because(reason, "statically linked: nothing can be preloaded into it");
    case CLI_ELF_FOREIGN:
        return cli_because(reason, "built for %s, this is unthread for %s",
                           cli_elf_machine(&elf, theirs, sizeof theirs),
                           cli_elf_machine(&self, ours, sizeof ours));
    case CLI_ELF_OTHER:
        return cli_because(reason, "an ELF file, but not a program");
    case CLI_ELF_BROKEN:
        return cli_because(reason, "a broken ELF file");
    case CLI_ELF_NOT:
        break;
    }
    return cli_because(reason, "neither an ELF program nor a script with #!");
}

/* Where the examination of a program stands: at a file, which is where a chain has led. */
struct chain {
    char file[PATH_MAX];
    int scripts; /* since the program or the last env */
    bool done;   /* nothing more to look at */
};

static bool follow_env(struct chain *chain, const char *argument, struct cli_reason *reason)
{
    char target[CLI_SCRIPT_LINE];
    struct cli_reason why;

    if (!cli_script_env_target(argument, target)) {
        chain->done = true;
        return true;
    }
    if (!cli_program_find(target, chain->file, &why))
        return cli_because(reason, "its interpreter %s: %.256s", target, why.text);
    chain->scripts = 0;
    return true;
}

static bool follow_script(struct chain *chain, const struct cli_script *script,
                          struct cli_reason *reason)
{
    int error = executable(script->interpreter);
    struct cli_reason why;

    if (error != 0) {
        say_why(error, &why);
        return cli_because(reason, "its interpreter %s: %.256s", script->interpreter, why.text);
    }
    if (++chain->scripts > CLI_SCRIPT_DEPTH)
        return cli_because(reason, "its interpreters are scripts, too many of them");
    strcpy(chain->file, script->interpreter);
    if (strcmp(base_name(script->interpreter), "env") == 0)
        return follow_env(chain, script->argument, reason);
    return true;
}

/* Takes the chain one file further, or finds it done, or finds why it ends badly. */
static bool advance(struct chain *chain, struct cli_reason *reason)
{
    int descriptor = open(chain->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char head[CLI_SCRIPT_LINE];
    struct cli_script script;
    ssize_t length;
    bool fine;

    if (descriptor < 0 && errno != EACCES)
        return cli_because(reason, "%s", strerror(errno));
    length = descriptor < 0 ? 0 : pread(descriptor, head, sizeof head, 0);
    if (length > 0 && cli_script_parse(head, (size_t)length, &script)) {
        fine = follow_script(chain, &script, reason);
    } else {
        /* A file may be executable without being readable: then its contents are not judged. */
        chain->done = true;
        fine = (descriptor < 0 || elf_allows(chain->file, descriptor, reason)) &&
               cli_privilege_allows(chain->file, reason);
    }
    if (descriptor >= 0)
        close(descriptor);
    return fine;
}

bool cli_program_examine(const char *path, struct cli_reason *reason)
{
    struct chain chain = { .scripts = 0 };

    snprintf(chain.file, sizeof chain.file, "%s", path);
    for (int files = 0; files < FILES_MAX; files++) {
        char file[PATH_MAX];
        struct cli_reason why;

        strcpy(file, chain.file);
        if (!advance(&chain, &why)) {
            if (files == 0)
                return cli_because(reason, "%s", why.text);
            return cli_because(reason, "its interpreter %.*s: %.1024s", PATH_MAX, file, why.text);
        }
        if (chain.done)
            return true;
    }
    return cli_because(reason, "its interpreters go round in a circle");
}
