/* SPDX-License-Identifier: MIT */
/* vfork and exec from main and from threads; a failing exec; fexecve's kin. */
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 10 };

static int run(const char *path, const char *code)
{
    int status;
    pid_t child = vfork();
    if (child == 0) {
        execl(path, "sh", "-c", code, (char *)NULL);
        _exit(127);
    }
    must_sys(child);
    must_sys(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *runs(void *argument)
{
    expect(run("/bin/sh", "exit 11") == 11);
    expect(run("/no/such/shell", "exit 11") == 127);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    runs(NULL);
    start_many(threads, THREADS, runs);
    join_many(threads, THREADS);
    runs(NULL);
    return finished();
}
