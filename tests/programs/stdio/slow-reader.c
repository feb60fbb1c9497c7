/* SPDX-License-Identifier: MIT */
/* Much by fwrite to a reader that is slow, through every buffering; and lines of many threads on one
 * stream whose reader is slow: all bytes arrive, in order, no line is torn. */
#include "net.h"

enum { SIZE = 3 << 20, THREADS = 8, LINES = 400 };

static int ends[2];
static FILE *shared;

static void *reads_slowly(void *argument)
{
    static unsigned char data[70001];
    unsigned expected = 0;
    long total = 0;
    ssize_t got;
    settle();
    while ((got = read(ends[1], data, sizeof data)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            if (data[i] != (unsigned char)(expected++ * 7))
                return (void *)-1L;
        total += got;
        if (total < 300000)
            usleep(1000);
    }
    return (void *)total;
}

static void much(int mode)
{
    unsigned char *block = malloc(SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        block[i] = (unsigned char)(i * 7);
    tcp_pair(ends);
    pthread_t reader = start(reads_slowly, NULL);
    FILE *out = fdopen(ends[0], "w");
    setvbuf(out, NULL, mode, 5000);
    say("written %zu\n", fwrite(block, 1, SIZE / 2, out));
    for (unsigned i = SIZE / 2; i < SIZE / 2 + 5; i++)
        fputc(block[i], out);
    say("written %zu\n", fwrite(block + SIZE / 2 + 5, 1, SIZE - SIZE / 2 - 5, out));
    show_sys(fclose(out));
    say("arrived %ld\n", (long)join(reader));
    close(ends[1]);
    free(block);
}

static void *does_much(void *argument)
{
    much(_IOFBF);
    much(_IOLBF);
    much(_IONBF);
    return argument;
}

static void *prints(void *argument)
{
    for (int i = 0; i < LINES; i++)
        expect(fprintf(shared, "%d line %d %0200d\n", index_of(argument), i, i) > 200);
    return argument;
}

static void *reads_lines(void *argument)
{
    FILE *in = fdopen(ends[1], "r");
    char line[512];
    int next[THREADS] = {0}, whose, which, again, lines = 0;
    settle();
    while (fgets(line, sizeof line, in)) {
        expect(sscanf(line, "%d line %d %d\n", &whose, &which, &again) == 3 && which == again);
        expect(whose < THREADS && which == next[whose]++);
        if (lines++ < 100)
            usleep(100);
    }
    say("lines %d\n", lines);
    fclose(in);
    return argument;
}

int main(void)
{
    pthread_t writers[THREADS];
    int small = 4096;
    join(start(does_much, NULL));
    tcp_pair(ends);
    must_sys(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
    shared = fdopen(ends[0], "w");
    setvbuf(shared, NULL, _IOLBF, 0);
    pthread_t reader = start(reads_lines, NULL);
    start_many(writers, THREADS, prints);
    join_many(writers, THREADS);
    fclose(shared);
    join(reader);
    return finished();
}
