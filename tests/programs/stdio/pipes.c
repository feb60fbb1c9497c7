/* SPDX-License-Identifier: MIT */
/* getline, fread, fgetc and ungetc on a pipe whose writer is slow; large fwrite to a slow
 * reader. */
#include "check.h"

enum { SIZE = 1 << 20 };

static int pipes[2];

static void *writes_slowly(void *argument)
{
    static const char *const pieces[] = {"a li", "ne\nsec", "ond\n", "0123456789", "xy"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        must_sys(write(pipes[1], pieces[i], strlen(pieces[i])));
        usleep(3000);
    }
    close(pipes[1]);
    return argument;
}

static void *writes_much(void *argument)
{
    FILE *out = fdopen(pipes[1], "w");
    char *block = calloc(1, SIZE);
    say("fwrite %zu\n", fwrite(block, 1, SIZE, out));
    fputs("the end", out);
    free(block);
    show_sys(fclose(out));
    return argument;
}

static void *reads_in_ways(void *argument)
{
    char *line = NULL, text[8] = "";
    size_t size = 0;
    FILE *in = fdopen(pipes[0], "r");
    show_sys(getline(&line, &size, in));
    show_sys(getline(&line, &size, in));
    say("%s", line);
    say("fread %zu\n", fread(text, 1, 7, in));
    say("%s\n", text);
    int c = fgetc(in);
    ungetc(c, in);
    say("%c %c\n", c, fgetc(in));
    say("fread %zu\n", fread(text, 2, 4, in));
    say("eof %d error %d\n", !!feof(in), !!ferror(in));
    show_sys(getline(&line, &size, in));
    free(line);
    fclose(in);
    return argument;
}

static void *reads_much(void *argument)
{
    char block[8192];
    long total = 0;
    FILE *in = fdopen(pipes[0], "r");
    for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;) {
        total += (long)n;
        if (total % 65536 == 0)
            usleep(200);
    }
    fclose(in);
    return (void *)total;
}

int main(void)
{
    must_sys(pipe(pipes));
    pthread_t writer = start(writes_slowly, NULL);
    join(start(reads_in_ways, NULL));
    join(writer);
    must_sys(pipe(pipes));
    writer = start(writes_much, NULL);
    pthread_t reader = start(reads_much, NULL);
    join(writer);
    say("read %ld\n", (long)join(reader));
    return finished();
}
