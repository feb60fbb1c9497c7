/* SPDX-License-Identifier: MIT */
/* Standard input and output on sockets, as a daemon that inetd starts has them. */
#include <ctype.h>

#include "net.h"

static int ends[2];

static void *serves(void *argument)
{
    char word[64];
    int number;
    printf("ready\n");
    fflush(stdout);
    while (scanf("%63s %d", word, &number) == 2) { /* flushes standard output, if by lines */
        for (char *c = word; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        printf("%s %d\n", word, number + 1);
    }
    puts("bye");
    return argument;
}

static void *asks(void *result)
{
    FILE *peer = fdopen(ends[1], "r+");
    char line[64];
    int length = 0;
    for (int i = -1; i < 3 && fgets(line, sizeof line, peer); i++) {
        length += sprintf((char *)result + length, "%s", line);
        fseek(peer, 0, SEEK_CUR);
        fprintf(peer, "word %d\n", i);
        fflush(peer);
        fseek(peer, 0, SEEK_CUR);
    }
    shutdown(ends[1], SHUT_WR);
    while (fgets(line, sizeof line, peer))
        length += sprintf((char *)result + length, "%s", line);
    fclose(peer);
    return NULL;
}

int main(void)
{
    char result[1024] = "";
    int saved = (int)must_sys(dup(1));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(dup2(ends[0], 0));
    must_sys(dup2(ends[0], 1));
    close(ends[0]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_t asker = start(asks, result), server = start(serves, NULL);
    join(server);
    must_sys(dup2(saved, 1));
    must_sys(shutdown(0, SHUT_RDWR));
    join(asker);
    say("%s", result);
    return finished();
}
