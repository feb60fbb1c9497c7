/* SPDX-License-Identifier: MIT */
/*
 * descriptors taken|work: threads under a small RLIMIT_NOFILE. `taken`: the program has used all
 * descriptors before its first thread. Ping-pong through socket pairs, and afterwards descriptors
 * must be countable again: none of the program's was lost.
 */
#include "stress.h"

#include <fcntl.h>
#include <sys/socket.h>

enum { MOST = 1024, PAIRS = 4, ROUNDS = 500 };

static int pairs[PAIRS][2];

static void *echo(void *index)
{
    int fd = pairs[(long)index][1];
    unsigned char byte;
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(read(fd, &byte, 1) == 1);
        byte++;
        CHECK(write(fd, &byte, 1) == 1);
    }
    return index;
}

static void *call(void *index)
{
    int fd = pairs[(long)index][0];
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char byte = (unsigned char)i;
        CHECK(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1);
        CHECK(byte == (unsigned char)(i + 1));
    }
    return index;
}

/* Duplicates until EMFILE; how many. */
static int take_all(int *taken)
{
    int count = 0;
    while (count < MOST && (taken[count] = dup(0)) >= 0)
        count++;
    CHECK(count == MOST || errno == EMFILE);
    return count;
}

static void give_back(const int *taken, int count)
{
    for (int i = 0; i < count; i++)
        CHECK(close(taken[i]) == 0);
}

static void play(void)
{
    pthread_t threads[2 * PAIRS];
    for (long i = 0; i < PAIRS; i++) {
        MUST(pthread_create(&threads[2 * i], NULL, echo, (void *)i));
        MUST(pthread_create(&threads[2 * i + 1], NULL, call, (void *)i));
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        MUST(pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
    static int taken[MOST];
    bool all_taken = argc > 1 && strcmp(argv[1], "taken") == 0;
    for (int i = 0; i < PAIRS; i++)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
    int before = take_all(taken);
    if (!all_taken)
        give_back(taken, before);
    play();
    if (all_taken)
        give_back(taken, before);
    int after = take_all(taken);
    play(); /* and again with none left */
    give_back(taken, after);
    play();
    printf("free before %d, with threads %d\n", before, after);
    return 0;
}
