/* SPDX-License-Identifier: MIT */
/* A hundred threads in a ring of pipes hand a token round, main among them. */
#include "check.h"

enum { THREADS = 100, ROUNDS = 50 };

static int pipes[THREADS + 1][2];

static void *passes(void *argument)
{
    int i = index_of(argument), token;
    for (int round = 0; round < ROUNDS; round++) {
        expect(read(pipes[i][0], &token, sizeof token) == sizeof token);
        token++;
        expect(write(pipes[(i + 1) % (THREADS + 1)][1], &token, sizeof token) == sizeof token);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int token = 0;
    for (int i = 0; i <= THREADS; i++)
        must_sys(pipe(pipes[i]));
    start_many(threads, THREADS, passes);
    must_sys(write(pipes[0][1], &token, sizeof token));
    passes((void *)(intptr_t)THREADS);
    join_many(threads, THREADS);
    must_sys(read(pipes[0][0], &token, sizeof token));
    say("token %d\n", token);
    return finished();
}
