/* SPDX-License-Identifier: MIT */
/* popen in both directions by many threads, one of them before the first thread; pclose gives
 * each its own status, also when the child ends late. */
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 10 };

static FILE *early;

static void *reads_from_child(void *argument)
{
    char command[128], line[64];
    int number = index_of(argument), lines = 0;
    snprintf(command, sizeof command,
             "for i in 1 2 3; do sleep 0.02; echo line $i of %d; done; exit %d", number, number);
    FILE *stream = popen(command, "re");
    while (fgets(line, sizeof line, stream)) {
        int count, whose;
        expect(sscanf(line, "line %d of %d", &count, &whose) == 2);
        expect(count == ++lines && whose == number);
    }
    expect(lines == 3 && feof(stream) && !ferror(stream));
    int status = pclose(stream);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == number);
    return NULL;
}

static void *writes_to_child(void *argument)
{
    char command[128];
    int number = index_of(argument), bytes = 100000 + number;
    snprintf(command, sizeof command, "sleep 0.05; test $(wc -c) = %d", bytes);
    FILE *stream = popen(command, "w");
    for (int i = 0; i < bytes; i++)
        expect(putc('x', stream) == 'x');
    int status = pclose(stream);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return NULL;
}

static void *uses_early_one(void *argument)
{
    char line[64];
    say("early: %s", fgets(line, sizeof line, early));
    say("status %d\n", WEXITSTATUS(pclose(early)));
    return argument;
}

int main(void)
{
    pthread_t readers[THREADS], writers[THREADS];
    early = popen("sleep 0.05; echo here; exit 7", "r");
    join(start(uses_early_one, NULL));
    start_many(readers, THREADS, reads_from_child);
    start_many(writers, THREADS, writes_to_child);
    join_many(readers, THREADS);
    join_many(writers, THREADS);
    errno = 0;
    bool opened = popen("true", "x");
    say("%s %s\n", opened ? "opened" : "refused", error_name(errno));
    return finished();
}
