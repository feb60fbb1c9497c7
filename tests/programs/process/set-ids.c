/* SPDX-License-Identifier: MIT */
/* setresgid and setresuid change the whole process: every thread, waiting or running, sees it. */
#include <fcntl.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 30, NOBODY = 65534 };

static pthread_barrier_t step;

static void *sees(void *argument)
{
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    uid_t real, effective, saved;
    must_sys(getresuid(&real, &effective, &saved));
    if (index_of(argument) == 0)
        say("ids %d %d %d, group %d\n", (int)real, (int)effective, (int)saved, (int)getegid());
    int fd = open("secret", O_RDONLY);
    int result = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return (void *)(intptr_t)result;
}

static int changes(void)
{
    pthread_t threads[THREADS];
    must(pthread_barrier_init(&step, NULL, THREADS + 1));
    start_many(threads, THREADS, sees);
    pthread_barrier_wait(&step);
    show_sys(setresgid(NOBODY, NOBODY, NOBODY));
    show_sys(setresuid(NOBODY, NOBODY, NOBODY));
    pthread_barrier_wait(&step);
    int first = index_of(join(threads[0]));
    say("open: %s\n", error_name(first));
    for (int i = 1; i < THREADS; i++)
        expect(index_of(join(threads[i])) == first);
    show_sys(setuid(0));
    return broken_expectations;
}

int main(void)
{
    int status;
    close((int)must_sys(open("secret", O_CREAT | O_WRONLY, 0600)));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(changes() ? 1 : 0);
    must_sys(waitpid(child, &status, 0));
    say("status %d\n", status);
    unlink("secret");
    return finished();
}
