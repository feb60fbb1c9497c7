/* SPDX-License-Identifier: MIT */
/*
 * The unthread command. A table of contents of this folder:
 *
 *   commands.def  the sub-commands; each is a function cli_NAME in a file of its own
 *   main.c        picks the sub-command
 *   help.c        --help, --version, and complaints
 *   options.c     the options, from settings.def, and the variables they become
 *   locate.c      finds libunthread.so, and the programs of evaluate.c
 *   program.c     finds the program and decides whether the library can be loaded into it, with
 *   script.c        #! lines
 *   elf.c           ELF headers
 *   privilege.c     set-user-ID and file capabilities
 *   run.c         puts it all together and becomes the program
 *   doctor.c      what the machine lacks
 *   examine.c     what run would say of a program
 *   evaluate.c    compare and check: becomes their program, in evaluate/
 *
 * What these files report goes into a struct cli_reason, so that a sub-command can print it as it
 * likes. Files given by users are not trusted: whatever is in them, the answer is a verdict.
 */
#ifndef CLI_H
#define CLI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum cli_status {
    CLI_REFUSED = 2,   /* nothing was run: the request makes no sense */
    CLI_NOT_RUN = 126, /* it did make sense, but exec failed; as env(1) says it */
};

/* Why something is refused: one line, without the final newline. */
struct cli_reason {
    char text[2 * PATH_MAX];
};

/* Fills in a reason. Returns false, for "return cli_because(...)". */
bool cli_because(struct cli_reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "unthread: ...", one line, on standard error. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return the exit status: a help text that could not be written is an error. */
int cli_help(void);
int cli_version(void);

/* Ends what was printed; the exit status, 1 with a complaint if it could not be written. */
int cli_finish(void);

#define COMMAND(name, synopsis, help) int cli_##name(int argc, char **argv);
#include "commands.def"
#undef COMMAND

enum cli_options_result {
    CLI_OPTIONS_DONE,    /* *first is the index of the first word that is no option */
    CLI_OPTIONS_REFUSED, /* a complaint was printed */
    CLI_OPTIONS_HELP,
    CLI_OPTIONS_VERSION,
};

/*
 * Reads the options after argv[0] and puts them into the environment as UNTHREAD_* variables,
 * then loads ut_config from there, so that an inherited variable is checked as an option is.
 */
enum cli_options_result cli_options_parse(int argc, char **argv, int *first);

/* Finds the library to preload; its path is absolute and can stand in LD_PRELOAD. */
bool cli_locate_library(char path[PATH_MAX], struct cli_reason *reason);

/* Finds the program of the sub-commands that are not written in C. */
bool cli_locate_evaluator(char path[PATH_MAX], struct cli_reason *reason);

/* Finds a program as execvp would. */
bool cli_program_find(const char *name, char path[PATH_MAX], struct cli_reason *reason);

/* Whether the library can be loaded into the program at path; scripts are followed. */
bool cli_program_examine(const char *path, struct cli_reason *reason);

/* The #! line of a file, as the kernel reads it. */
#define CLI_SCRIPT_LINE 256 /* BINPRM_BUF_SIZE */
#define CLI_SCRIPT_DEPTH 5  /* interpreters that may themselves be scripts, and the last */

struct cli_script {
    char interpreter[CLI_SCRIPT_LINE];
    char argument[CLI_SCRIPT_LINE]; /* all there is after it, as one; empty: none */
};

/* Parses the first bytes of a file. False if the kernel would not take it for a script. */
bool cli_script_parse(const char *head, size_t length, struct cli_script *script);

/* The program that env(1), given this argument by a #! line, would run. False: cannot tell. */
bool cli_script_env_target(const char *argument, char target[CLI_SCRIPT_LINE]);

enum cli_elf_kind {
    CLI_ELF_DYNAMIC, /* loader says what would load it */
    CLI_ELF_STATIC,  /* no loader: a static program, a shared library, or a loader itself */
    CLI_ELF_FOREIGN, /* another machine, class or byte order */
    CLI_ELF_OTHER,   /* an object file, a core dump */
    CLI_ELF_BROKEN,
    CLI_ELF_NOT,
};

struct cli_elf {
    enum cli_elf_kind kind;
    unsigned machine, class; /* EM_* and ELFCLASS*, once it is known to be ELF */
    char loader[PATH_MAX];   /* DYNAMIC: PT_INTERP, terminated */
};

/* Reads the headers of an open file. Never fails: what cannot be read is BROKEN or NOT. */
void cli_elf_inspect(int descriptor, struct cli_elf *elf);

/* A name for people, "x86-64" or "machine 4711". Returns text. */
const char *cli_elf_machine(const struct cli_elf *elf, char *text, size_t size);

/* What this command, and so the library beside it, was built for. */
struct cli_elf cli_elf_self(void);

/* Whether executing the file changes identity so that the loader ignores LD_PRELOAD. */
bool cli_privilege_allows(const char *path, struct cli_reason *reason);

#endif
