/* SPDX-License-Identifier: MIT */
/* posix_spawn's attributes and file actions from threads: masks, default signals, groups and sessions, ids,
 * open, close, dup2 and directories, in their order; actions that fail. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

extern char **environ;

static int run(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
               const char *command)
{
    char *const arguments[] = {"sh", "-c", (char *)command, NULL};
    pid_t child;
    int status;
    int error = posix_spawn(&child, "/bin/sh", actions, attributes, arguments, environ);
    if (error)
        return -error;
    must_sys(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void show_run(const char *what, int result)
{
    say("%s: %s%d\n", what, result < 0 ? error_name(-result) : "", result < 0 ? 0 : result);
}

static void with_flags(short flags, const char *what, const char *command)
{
    posix_spawnattr_t attributes;
    sigset_t set;
    must(posix_spawnattr_init(&attributes));
    must(posix_spawnattr_setflags(&attributes, flags));
    sigemptyset(&set);
    must(posix_spawnattr_setsigmask(&attributes, &set));
    sigaddset(&set, SIGINT);
    must(posix_spawnattr_setsigdefault(&attributes, &set));
    must(posix_spawnattr_setpgroup(&attributes, 0));
    show_run(what, run(NULL, &attributes, command));
    must(posix_spawnattr_destroy(&attributes));
}

static void *uses_attributes(void *argument)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    with_flags(0, "mask kept", "kill -TERM $$; exit 1");
    with_flags(POSIX_SPAWN_SETSIGMASK, "mask set", "kill -TERM $$; exit 1");
    with_flags(0, "ignored", "kill -INT $$; exit 2");
    with_flags(POSIX_SPAWN_SETSIGDEF, "default again", "kill -INT $$; exit 2");
    with_flags(POSIX_SPAWN_SETPGROUP, "own group", "read -r a < /proc/$$/stat; set -- $a; test $5 = $$");
    with_flags(0, "parent's group", "read -r a < /proc/$$/stat; set -- $a; test $5 != $$");
    with_flags(POSIX_SPAWN_SETSID, "own session", "read -r a < /proc/$$/stat; set -- $a; test $6 = $$");
    with_flags(POSIX_SPAWN_USEVFORK, "vfork", "exit 3");
    with_flags(POSIX_SPAWN_RESETIDS, "ids", "exit 4");
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    return argument;
}

static void *uses_actions(void *argument)
{
    posix_spawn_file_actions_t actions;
    must(posix_spawn_file_actions_init(&actions));
    must(posix_spawn_file_actions_addchdir_np(&actions, "below"));
    must(posix_spawn_file_actions_addopen(&actions, 5, "made", O_WRONLY | O_CREAT, 0600));
    must(posix_spawn_file_actions_adddup2(&actions, 5, 1));
    must(posix_spawn_file_actions_addclose(&actions, 5));
    show_run("into a file", run(&actions, NULL, "echo here; test ! -e /proc/self/fd/5"));
    must(posix_spawn_file_actions_addclose(&actions, 77));
    show_run("closes nothing", run(&actions, NULL, "exit 0"));
    must(posix_spawn_file_actions_destroy(&actions));
    must(posix_spawn_file_actions_init(&actions));
    must(posix_spawn_file_actions_addopen(&actions, 0, "below/made", O_RDONLY, 0));
    show_run("from the file", run(&actions, NULL, "read a; test $a = here"));
    must(posix_spawn_file_actions_addopen(&actions, 0, "nothing", O_RDONLY, 0));
    show_run("no such file", run(&actions, NULL, "exit 0"));
    show(posix_spawn_file_actions_addclose(&actions, -1));
    must(posix_spawn_file_actions_destroy(&actions));
    must_sys(unlink("below/made"));
    return argument;
}

int main(void)
{
    signal(SIGINT, SIG_IGN);
    must_sys(mkdir("below", 0700));
    join(start(uses_attributes, NULL));
    join(start(uses_actions, NULL));
    must_sys(rmdir("below"));
    return finished();
}
