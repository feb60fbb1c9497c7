/* SPDX-License-Identifier: MIT */
/*
 * The switch's cases without a test framework, for a machine other than this one: linked
 * statically and run by an emulator. Each in a process of its own.
 */
#include "cases.h"

#include "arch.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const struct switch_case *one)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        const char *complaint = one->run();
        if (complaint)
            printf("# %s\n", complaint);
        fflush(stdout);
        _exit(complaint != NULL);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    int number = 0, failures = 0;
    ut_arch_init(true);
    for (const struct switch_case *one = switch_cases; one->name; one++) {
        int good = run(one);
        printf("%s %d %s\n", good ? "ok" : "not ok", ++number, one->name);
        fflush(stdout);
        failures += !good;
    }
    printf("1..%d\n", number);
    return failures != 0;
}
