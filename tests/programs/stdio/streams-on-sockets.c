/* SPDX-License-Identifier: MIT */
/* Streams over socket pairs, as old daemons use them: many conversations by fgets and fprintf
 * at once, each end in a thread of its own. */
#include <sys/socket.h>

#include "check.h"

enum { CONVERSATIONS = 40, LINES = 30 };

static int ends[CONVERSATIONS][2];

static void *asks(void *argument)
{
    char line[128];
    FILE *stream = fdopen(ends[index_of(argument)][0], "r+");
    int number = index_of(argument), first;
    for (int i = 0; i < LINES; i++) {
        fprintf(stream, "add %d %d\n", number, i);
        fflush(stream);
        expect(fgets(line, sizeof line, stream) != NULL);
        expect(sscanf(line, "sum %d", &first) == 1 && first == number + i);
        fseek(stream, 0, SEEK_CUR);
    }
    fputs("quit\n", stream);
    expect(fflush(stream) == 0);
    expect(getc(stream) == EOF && feof(stream) && !ferror(stream));
    expect(fclose(stream) == 0);
    return NULL;
}

static void *answers(void *argument)
{
    char *line = NULL;
    size_t size = 0;
    int first, second;
    int fd = ends[index_of(argument)][1];
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    setvbuf(out, NULL, _IOLBF, 0);
    expect(fileno(in) == fd);
    while (getline(&line, &size, in) > 0 && strcmp(line, "quit\n") != 0) {
        expect(sscanf(line, "add %d %d", &first, &second) == 2);
        fprintf(out, "sum %d\n", first + second);
    }
    free(line);
    fclose(out);
    fclose(in);
    return NULL;
}

int main(void)
{
    pthread_t askers[CONVERSATIONS], answerers[CONVERSATIONS];
    for (int i = 0; i < CONVERSATIONS; i++)
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
    start_many(answerers, CONVERSATIONS, answers);
    start_many(askers, CONVERSATIONS, asks);
    join_many(askers, CONVERSATIONS);
    join_many(answerers, CONVERSATIONS);
    return finished();
}
