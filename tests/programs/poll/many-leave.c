/* SPDX-License-Identifier: MIT */
/* Threads poll a hundred descriptors each, and their waits end by other descriptors and by time-outs just when events
 * for the rest are on their way: nothing of a wait that is over may be looked at. */
#include <poll.h>

#include "check.h"

enum { DESCRIPTORS = 100, THREADS = 12, WRITERS = 4, WRITES = 6000 };

static int in[THREADS][DESCRIPTORS], out[THREADS][DESCRIPTORS];
static int over, received;

static void *asks(void *argument)
{
    int me = index_of(argument);
    struct pollfd waits[DESCRIPTORS];
    char bytes[64];
    for (int i = 0; i < DESCRIPTORS; i++)
        waits[i] = (struct pollfd){.fd = in[me][i], .events = POLLIN};
    for (int round = 0;; round++) {
        bool last = __atomic_load_n(&over, __ATOMIC_SEQ_CST);
        int count = poll(waits, DESCRIPTORS, last ? 0 : round % 3);
        expect(count >= 0);
        for (int i = 0; i < DESCRIPTORS; i++)
            if (waits[i].revents) {
                ssize_t got = read(in[me][i], bytes, sizeof bytes);
                expect(got > 0);
                __atomic_fetch_add(&received, (int)got, __ATOMIC_SEQ_CST);
            }
        if (last && count == 0)
            return NULL;
    }
}

static void *writes(void *argument)
{
    unsigned chance = (unsigned)index_of(argument) + 1;
    for (int i = 0; i < WRITES; i++) {
        chance = chance * 1103515245 + 12345;
        int thread = (int)(chance >> 16) % THREADS;
        chance = chance * 1103515245 + 12345;
        must_sys(write(out[thread][(chance >> 16) % DESCRIPTORS], "x", 1));
        if (i % 16 == 0)
            sched_yield();
    }
    return NULL;
}

int main(void)
{
    pthread_t readers[THREADS], writers[WRITERS];
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < DESCRIPTORS; i++) {
            int ends[2];
            must_sys(pipe(ends));
            in[t][i] = ends[0];
            out[t][i] = ends[1];
        }
    start_many(readers, THREADS, asks);
    start_many(writers, WRITERS, writes);
    join_many(writers, WRITERS);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    join_many(readers, THREADS);
    expect(received == WRITERS * WRITES);
    return finished();
}
