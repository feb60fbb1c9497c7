/* SPDX-License-Identifier: MIT */
/* popen's modes and errors, children that outlive their stream's use, statuses by exit and by signal, and that
 * a later child does not inherit an earlier stream; system's statuses. */
#include <sys/wait.h>

#include "check.h"

static void show_status(const char *what, int status)
{
    if (status == -1)
        say("%s: -1 %s\n", what, error_name(errno));
    else if (WIFSIGNALED(status))
        say("%s: signal %d\n", what, WTERMSIG(status));
    else
        say("%s: %d\n", what, WEXITSTATUS(status));
}

static void *uses_popen(void *argument)
{
    char line[64];
    FILE *stream = popen("echo one; echo two; exit 3", "r");
    while (fgets(line, sizeof line, stream))
        say("%s", line);
    show_status("reads", pclose(stream));
    stream = popen("read line; test \"$line\" = hello", "w");
    fprintf(stream, "hello\n");
    show_status("writes", pclose(stream));
    stream = popen("cat > /dev/null; kill -9 $$", "we");
    fprintf(stream, "hello\n");
    show_status("is killed", pclose(stream));
    stream = popen("/no/such/program 2>/dev/null", "r");
    show_status("not found", pclose(stream));
    errno = 0;
    say("%s %s\n", popen("true", "rw") ? "opened" : "refused", error_name(errno));
    errno = 0;
    say("%s %s\n", popen("true", "x") ? "opened" : "refused", error_name(errno));
    /* The first one sees its input's end only if the second has not got it, too. */
    FILE *first = popen("cat > /dev/null; exit 4", "w"), *second = popen("cat > /dev/null; exit 5", "w");
    show_status("first", pclose(first));
    show_status("second", pclose(second));
    return argument;
}

static void *uses_system(void *argument)
{
    say("a shell %d\n", system(NULL) != 0);
    show_status("exit", system("exit 7"));
    show_status("signal", system("kill -15 $$"));
    show_status("not found", system("/no/such/program 2>/dev/null"));
    show_status("empty", system(""));
    return argument;
}

int main(void)
{
    uses_system(NULL);
    join(start(uses_system, NULL));
    join(start(uses_popen, NULL));
    return finished();
}
