/* SPDX-License-Identifier: MIT */
/* system and popen from threads and from main: statuses, output, input. */
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 8 };

static void *runs(void *argument)
{
    char command[64], line[64];
    int mine = index_of(argument);
    snprintf(command, sizeof command, "exit %d", mine);
    int status = system(command);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == mine);
    snprintf(command, sizeof command, "echo one; echo two; exit %d", mine);
    FILE *from = popen(command, "re");
    expect(fgets(line, sizeof line, from) && strcmp(line, "one\n") == 0);
    expect(fgets(line, sizeof line, from) && strcmp(line, "two\n") == 0);
    expect(fgets(line, sizeof line, from) == NULL);
    expect(WEXITSTATUS(pclose(from)) == mine);
    FILE *to = popen("read a b; test \"$b\" = second", "w");
    fprintf(to, "first second\n");
    expect(pclose(to) == 0);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, runs);
    join_many(threads, THREADS);
    runs((void *)3);
    say("no command: %d\n", !!system(NULL));
    say("killed: %d\n", WTERMSIG(system("kill -9 $$")));
    say("not found: %d\n", WEXITSTATUS(system("exec 2>/dev/null; no-such-command-here")));
    return finished();
}
