/* SPDX-License-Identifier: MIT */
/* Streams come and go, and their numbers are used again for other kinds of files; freopen, perror,
 * dprintf; a FIFO that waits for its other end; fclose while others wait for the same socket. */
#include <sys/stat.h>

#include "net.h"

static int ends[2];

/* A file, a socket, a pipe and a file again, all with the same number. */
static void same_number(int round)
{
    char line[16] = "", byte;
    int pair[2];
    FILE *stream = fopen("file", "w+");
    int number = fileno(stream);
    fputs("in a file\n", stream);
    rewind(stream);
    expect(fgets(line, sizeof line, stream) != NULL);
    fclose(stream);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    expect(pair[0] == number);
    set_timeout(pair[0], SO_RCVTIMEO, 10);
    stream = fdopen(pair[0], "r");
    expect(fgets(line, sizeof line, stream) == NULL && errno == EAGAIN);
    fclose(stream);
    show_sys(read(pair[1], &byte, 1));
    close(pair[1]);
    must_sys(pipe(pair));
    expect(pair[0] == number);
    stream = fdopen(pair[0], "r");
    must_sys(write(pair[1], "in a pipe\n", 10));
    expect(fgets(line, sizeof line, stream) != NULL);
    close(pair[1]);
    expect(getc(stream) == EOF && feof(stream));
    fclose(stream);
    stream = fopen("file", "r");
    expect(fileno(stream) == number);
    expect(fgets(line, sizeof line, stream) != NULL && getc(stream) == EOF);
    fclose(stream);
    say("round %d: %s", round, line);
}

static void *opens_for_writing(void *argument)
{
    settle();
    FILE *out = fopen("fifo", "w");
    fputs("through a fifo\n", out);
    settle();
    fclose(out);
    return argument;
}

static void fifo(FILE *(*open_it)(void))
{
    char line[32] = "";
    pthread_t other = start(opens_for_writing, NULL);
    FILE *in = open_it();
    expect(fgets(line, sizeof line, in) != NULL);
    say("%s", line);
    expect(fgets(line, sizeof line, in) == NULL && feof(in));
    join(other);
    fclose(in);
}

static FILE *by_fopen(void)
{
    return fopen("fifo", "r");
}

/* A stream on a socket that has been waited for becomes one on a FIFO, with the same number. */
static FILE *by_freopen(void)
{
    int pair[2];
    char line[8];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    set_timeout(pair[0], SO_RCVTIMEO, 10);
    FILE *stream = fdopen(pair[0], "r");
    expect(fgets(line, sizeof line, stream) == NULL && errno == EAGAIN);
    expect(freopen("fifo", "r", stream) == stream && fileno(stream) == pair[0]);
    close(pair[1]);
    return stream;
}

static void *does_all(void *argument)
{
    for (int i = 0; i < 3; i++)
        same_number(i);
    must_sys(mkfifo("fifo", 0600));
    fifo(by_fopen);
    fifo(by_freopen);
    errno = 0;
    expect(fopen("missing", "r") == NULL);
    perror("missing");
    expect(dprintf(1, "%s %d\n", "dprintf", 1) == 10);
    return argument;
}

static void *reads_shared(void *argument)
{
    char byte = 0;
    show_sys(read(ends[0], &byte, 1));
    return argument;
}

static void *closes(void *argument)
{
    FILE *stream = fdopen(dup(ends[0]), "r");
    settle();
    show_sys(fclose(stream));
    must_sys(write(ends[1], "x", 1));
    return argument;
}

int main(void)
{
    join(start(does_all, NULL));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_t reader = start(reads_shared, NULL), closer = start(closes, NULL);
    join(closer);
    join(reader);
    return finished();
}
