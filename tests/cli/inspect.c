/* SPDX-License-Identifier: MIT */
/*
 * What the command thinks of files, without running them.
 *
 *   inspect FILE...                   a line for each: "FILE: fine" or "FILE: REASON"
 *   inspect --mutate FILE SEED COUNT  examines COUNT variations of the file's first bytes
 *   inspect --scripts SEED COUNT      parses COUNT random #! lines
 *
 * The last two check what must hold for any input; the sanitizers check the rest.
 */
#include "cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD_SIZE 8192

static unsigned long long state;

/* xorshift64*: the same numbers for the same seed, everywhere. */
static unsigned random_below(unsigned limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * 0x2545f4914f6cdd1dull >> 33) % limit);
}

static void seed_with(const char *text)
{
    state = strtoull(text, NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
}

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "inspect: %s\n", what);
    abort();
}

static size_t read_head(const char *path, unsigned char *head)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(descriptor, head, HEAD_SIZE);

    require(length > 0, "cannot read the file to mutate");
    close(descriptor);
    return (size_t)length;
}

/* Changes some bytes, mostly in the headers, to values that sit on limits. */
static void mutate(unsigned char *bytes, size_t length)
{
    static const unsigned char edges[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x38, 0x40 };
    unsigned changes = 1 + random_below(6);

    while (changes-- > 0) {
        size_t at = random_below(random_below(4) ? 1024 : (unsigned)length) % length;
        unsigned run = 1 + random_below(8);
        unsigned char value = random_below(2) ? edges[random_below(sizeof edges)]
                                              : (unsigned char)random_below(256);

        while (run-- > 0 && at < length)
            bytes[at++] = value;
    }
}

/* Returns whether the variation got past the ELF checks. */
static bool examine_bytes(const unsigned char *bytes, size_t length)
{
    int descriptor = memfd_create("variation", MFD_CLOEXEC);
    struct cli_reason reason = { "" };
    struct cli_elf elf;
    char path[64], name[64];
    bool fine;

    require(descriptor >= 0 && write(descriptor, bytes, length) == (ssize_t)length, "memfd");
    cli_elf_inspect(descriptor, &elf);
    if (elf.kind == CLI_ELF_DYNAMIC)
        require(memchr(elf.loader, '\0', sizeof elf.loader) > (void *)elf.loader,
                "a loader without a name or an end");
    require(*cli_elf_machine(&elf, name, sizeof name) != '\0', "a machine without a name");
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    fine = cli_program_examine(path, &reason);
    require(fine || reason.text[0] != '\0', "refused without a reason");
    require(!fine || elf.kind == CLI_ELF_DYNAMIC || bytes[0] == '#', "accepted, but not dynamic");
    close(descriptor);
    return elf.kind == CLI_ELF_DYNAMIC;
}

static int mutate_many(const char *path, const char *seed, long count)
{
    static unsigned char original[HEAD_SIZE], variation[HEAD_SIZE];
    size_t length = read_head(path, original);
    long dynamic = 0;

    seed_with(seed);
    for (long i = 0; i < count; i++) {
        size_t size = random_below(3) ? length : 1 + random_below((unsigned)length);

        memcpy(variation, original, length);
        mutate(variation, length);
        dynamic += examine_bytes(variation, size);
    }
    printf("%ld variations, %ld still dynamic programs\n", count, dynamic);
    return 0;
}

static int parse_many(const char *seed, long count)
{
    static const char alphabet[] = "/ab -S=\t\n \\'e";
    long scripts = 0;

    seed_with(seed);
    for (long i = 0; i < count; i++) {
        size_t length = random_below(CLI_SCRIPT_LINE + 1);
        char *head = malloc(length + 1); /* of just this size, for the sanitizer */
        char target[CLI_SCRIPT_LINE];
        struct cli_script script;

        require(head != NULL, "memory");
        for (size_t j = 0; j < length; j++)
            head[j] = j < 2 ? "#!"[j] : alphabet[random_below(random_below(8) ? 3 : 14)];
        if (cli_script_parse(head, length, &script)) {
            scripts++;
            require(script.interpreter[0] != '\0', "a script without an interpreter");
            require(strpbrk(script.interpreter, " \t\n") == NULL, "blanks in an interpreter");
            require(strchr(script.argument, '\n') == NULL, "an argument of two lines");
            if (cli_script_env_target(script.argument, target))
                require(target[0] != '\0' && target[0] != '-', "env would not run that");
        }
        free(head);
    }
    printf("%ld lines, %ld scripts\n", count, scripts);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--mutate") == 0)
        return mutate_many(argv[2], argv[3], strtol(argv[4], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "--scripts") == 0)
        return parse_many(argv[2], strtol(argv[3], NULL, 10));
    for (int i = 1; i < argc; i++) {
        struct cli_reason reason;

        printf("%s: %s\n", argv[i], cli_program_examine(argv[i], &reason) ? "fine" : reason.text);
    }
    return 0;
}
