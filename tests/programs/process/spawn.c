/* SPDX-License-Identifier: MIT */
/* posix_spawn with file actions and attributes from many threads, and its errors. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 8 };

extern char **environ;

static void *spawns(void *argument)
{
    posix_spawn_file_actions_t actions;
    char command[64], output[64] = "";
    int pipes[2], status;
    pid_t child;
    char *const arguments[] = {"sh", "-c", command, NULL};
    snprintf(command, sizeof command, "echo thread %d; exit %d", index_of(argument),
             index_of(argument));
    must_sys(pipe2(pipes, O_CLOEXEC));
    must(posix_spawn_file_actions_init(&actions));
    must(posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO));
    if (index_of(argument) % 2)
        must(posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environ));
    else
        must(posix_spawnp(&child, "sh", &actions, NULL, arguments, environ));
    must(posix_spawn_file_actions_destroy(&actions));
    close(pipes[1]);
    must_sys(read(pipes[0], output, sizeof output - 1));
    expect(read(pipes[0], output, 1) == 0);
    close(pipes[0]);
    expect(atoi(output + strlen("thread ")) == index_of(argument));
    expect(waitpid(child, &status, 0) == child);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == index_of(argument));
    return NULL;
}

static void *fails(void *argument)
{
    char *const arguments[] = {"nothing", NULL};
    pid_t child;
    show(posix_spawn(&child, "/no/such/program", NULL, NULL, arguments, environ));
    show(posix_spawn(&child, "/dev/null", NULL, NULL, arguments, environ));
    show(posix_spawnp(&child, "no-such-program", NULL, NULL, arguments, environ));
    show_sys(waitpid(-1, NULL, 0));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, spawns);
    join_many(threads, THREADS);
    join(start(fails, NULL));
    return finished();
}
