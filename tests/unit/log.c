/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Standard error is a pipe while this is in force; each test has its own process. */
static int pipe_for_stderr(void)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static const char *read_all(int descriptor)
{
    static char text[8192];
    ssize_t length = read(descriptor, text, sizeof text - 1);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static const char *read_file(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    const char *text = read_all(descriptor);

    close(descriptor);
    return text;
}

/* What "unthread[PID]: text\n" must look like. */
static const char *line(const char *text)
{
    static char expected[1024];

    snprintf(expected, sizeof expected, "unthread[%d]: %s\n", getpid(), text);
    return expected;
}

static char directory[] = "/tmp/unthread-log-XXXXXX";
static char file[64];

static void use_file(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/log", directory);
    ut_config.log_file = file;
    ut_config.log = UT_LOG_INFO;
}

static void remove_file(void)
{
    unlink(file);
    rmdir(directory);
}

Test(log, levels_are_the_words_of_the_setting)
{
    const struct ut_config_setting *setting = &ut_config_settings[UT_CONFIG_log];

    cr_assert(ut_config_set(setting, "off") && ut_config.log == UT_LOG_OFF);
    cr_assert(ut_config_set(setting, "error") && ut_config.log == UT_LOG_ERROR);
    cr_assert(ut_config_set(setting, "warn") && ut_config.log == UT_LOG_WARN);
    cr_assert(ut_config_set(setting, "info") && ut_config.log == UT_LOG_INFO);
    cr_assert(ut_config_set(setting, "debug") && ut_config.log == UT_LOG_DEBUG);
}

Test(log, only_wanted_levels_are_written_and_evaluated)
{
    int reader = pipe_for_stderr();
    int evaluated = 0;

    ut_log(UT_LOG_ERROR, "%d", ++evaluated);
    cr_expect_eq(evaluated, 0);
    ut_config.log = UT_LOG_WARN;
    ut_log(UT_LOG_INFO, "%d", ++evaluated);
    cr_expect_eq(evaluated, 0);
    cr_expect_str_eq(read_all(reader), "");
    ut_log(UT_LOG_WARN, "answer %d", ++evaluated);
    cr_expect_str_eq(read_all(reader), line("answer 1"));
}

Test(log, errno_is_preserved)
{
    pipe_for_stderr();
    ut_config.log = UT_LOG_DEBUG;
    errno = EXDEV;
    ut_log(UT_LOG_DEBUG, "%s", "text");
    cr_expect_eq(errno, EXDEV);
    close(STDERR_FILENO);
    ut_log(UT_LOG_DEBUG, "nowhere to go");
    cr_expect_eq(errno, EXDEV);
    ut_config.log_file = "/nonexistent/log";
    ut_log(UT_LOG_DEBUG, "nowhere to go");
    cr_expect_eq(errno, EXDEV);
}

Test(log, a_long_text_is_cut_to_one_line)
{
    int reader = pipe_for_stderr();
    const char *text;
    char longest[1000];

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    ut_log_line("%s", longest);
    text = read_all(reader);
    cr_expect_leq(strlen(text), 400);
    cr_expect_geq(strlen(text), 390);
    cr_expect_str_eq(text + strlen(text) - 5, "x...\n");
}

Test(log, every_length_near_the_limit_ends_in_one_newline)
{
    int reader = pipe_for_stderr();
    char text[420];

    for (int length = 350; length < 420; length++) {
        const char *got;

        memset(text, 'y', length);
        ut_log_line("%.*s", length, text);
        got = read_all(reader);
        cr_expect_eq(strchr(got, '\n'), got + strlen(got) - 1, "length %d", length);
        cr_expect_leq(strlen(got), 400);
    }
}

Test(log, a_name_cannot_forge_a_line)
{
    int reader = pipe_for_stderr();

    ut_log_line("thread %s ends", "a\nunthread[1]: b\033[2J\x7f");
    cr_expect_str_eq(read_all(reader), line("thread a?unthread[1]: b?[2J? ends"));
}

Test(log, the_file_is_appended_to_and_found_again_after_rotation, .init = use_file,
     .fini = remove_file)
{
    ut_log_line("one");
    ut_log_line("two");
    cr_expect_eq(strlen(read_file(file)), 2 * strlen(line("one")));
    cr_assert_eq(unlink(file), 0);
    ut_log_line("three");
    cr_expect_str_eq(read_file(file), line("three"));
    ut_log_bytes("a\nb\n", 4);
    cr_expect_str_eq(strchr(read_file(file), '\n'), "\na\nb\n");
}

Test(log, no_descriptor_stays_open, .init = use_file, .fini = remove_file)
{
    int before = dup(STDIN_FILENO);
    int after;

    close(before);
    ut_log_line("text");
    after = dup(STDIN_FILENO);
    cr_expect_eq(before, after);
}

Test(log, lost_lines_are_counted_and_do_not_go_elsewhere, .init = use_file, .fini = remove_file)
{
    int reader = pipe_for_stderr();
    struct rlimit limit, none = { 0, 0 };
    char expected[256];

    getrlimit(RLIMIT_NOFILE, &limit);
    none.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &none);
    ut_log_line("lost");
    ut_log_line("lost too");
    setrlimit(RLIMIT_NOFILE, &limit);
    cr_expect_str_eq(read_all(reader), "");
    ut_log_line("found");
    snprintf(expected, sizeof expected, "unthread[%d]: 2 lines were lost\n%s", getpid(),
             line("found"));
    cr_expect_str_eq(read_file(file), expected);
}

Test(log, a_fifo_nobody_reads_does_not_block, .init = use_file, .fini = remove_file)
{
    cr_assert_eq(mkfifo(file, 0600), 0);
    alarm(20);
    ut_log_line("nobody listens");
}

Test(log, complaints_are_warnings)
{
    char *environment[] = { "UNTHREAD_CARRIERS=-3", "UNTHREAD_LOG=warn", NULL };
    int reader = pipe_for_stderr();

    ut_config_load(environment, ut_log_complaint, NULL);
    cr_expect_str_eq(read_all(reader),
                     line("UNTHREAD_CARRIERS=-3 ignored: expected a number from 0 to 1024"));
    environment[1] = NULL;
    ut_config_load(environment, ut_log_complaint, NULL);
    cr_expect_str_eq(read_all(reader), "", "silent unless asked");
}

Test(log, die_aborts, .signal = SIGABRT)
{
    pipe_for_stderr();
    ut_die("a lane has two carriers");
}

Test(log, die_speaks_although_the_log_is_off)
{
    int reader = pipe_for_stderr();
    char expected[128];
    pid_t child = fork();

    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        ut_die("a lane has two carriers");
    }
    cr_assert_gt(child, 0);
    snprintf(expected, sizeof expected, "unthread[%d]: a lane has two carriers\n", child);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    cr_expect_str_eq(read_all(reader), expected);
}
