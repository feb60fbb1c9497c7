/* SPDX-License-Identifier: MIT */
/* Forty threads print whole lines to one stream, some between flockfile and funlockfile: no
 * line is torn, lines of one lock stay together. */
#include "check.h"

enum { THREADS = 40, LINES = 50 };

static FILE *stream;

static void *prints(void *argument)
{
    int mine = index_of(argument);
    for (int i = 0; i < LINES; i++) {
        flockfile(stream);
        fprintf(stream, "begin %d %d\n", mine, i);
        if (i % 10 == 0)
            usleep(50);
        for (const char *c = "end "; *c; c++)
            putc_unlocked(*c, stream);
        fprintf(stream, "%d %d\n", mine, i);
        funlockfile(stream);
        if (ftrylockfile(stream) == 0)
            funlockfile(stream);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int thread, line, pairs = 0, next[THREADS] = {0};
    stream = tmpfile();
    start_many(threads, THREADS, prints);
    join_many(threads, THREADS);
    rewind(stream);
    while (fscanf(stream, "begin %d %d\n", &thread, &line) == 2) {
        int again, same;
        expect(fscanf(stream, "end %d %d\n", &again, &same) == 2);
        expect(again == thread && same == line);
        expect(line == next[thread]++);
        pairs++;
    }
    expect(feof(stream));
    say("%d pairs\n", pairs);
    fclose(stream);
    return finished();
}
