/* SPDX-License-Identifier: MIT */
/* wait3 and wait4 tell what a child used, and getrusage adds it up; both from threads. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static pid_t child_that_computes(int status)
{
    pid_t child = fork();
    if (child == 0) {
        volatile unsigned sum = 0;
        while (clock() < CLOCKS_PER_SEC / 20)
            sum += 3;
        _exit(status);
    }
    return child;
}

static long used_ms(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

static void *waits(void *argument)
{
    struct rusage usage = {0};
    int status = 0;
    pid_t child = child_that_computes(7);
    expect(wait3(&status, 0, &usage) == child);
    say("wait3: status %d, computed %d\n", WEXITSTATUS(status), used_ms(&usage) >= 40);
    child = child_that_computes(8);
    expect(wait4(child, &status, 0, &usage) == child);
    say("wait4: status %d, computed %d\n", WEXITSTATUS(status), used_ms(&usage) >= 40);
    child = child_that_computes(9);
    expect(wait3(NULL, 0, NULL) == child);
    show_sys(wait3(&status, WNOHANG, &usage));
    show_sys(wait3(&status, 0, bad_pointer));
    show_sys(wait3(&status, 0x1000, &usage));
    struct rusage children;
    must_sys(getrusage(RUSAGE_CHILDREN, &children));
    say("all of them: %d\n", used_ms(&children) >= 120);
    return argument;
}

int main(void)
{
    join(start(waits, NULL));
    waits(NULL);
    return finished();
}
