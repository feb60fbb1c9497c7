/* SPDX-License-Identifier: MIT */
/* poll and select over hundreds of descriptors: which of them is ready, several at once, the same one twice; by
 * many threads; cancellation in the middle. */
#include <poll.h>
#include <sys/select.h>

#include "check.h"

enum { DESCRIPTORS = 300, THREADS = 8, ROUNDS = 40 };

struct set {
    int in[DESCRIPTORS], out[DESCRIPTORS];
    int asked, answered;
};

static struct set sets[THREADS];

static int poll_set(struct set *set)
{
    struct pollfd waits[DESCRIPTORS + 1];
    for (int i = 0; i < DESCRIPTORS; i++)
        waits[i] = (struct pollfd){.fd = set->in[i], .events = POLLIN};
    waits[DESCRIPTORS] = waits[7]; /* once more */
    int count = poll(waits, DESCRIPTORS + 1, -1), found = -1;
    for (int i = 0; i < DESCRIPTORS; i++)
        if (waits[i].revents)
            found = i;
    expect(waits[DESCRIPTORS].revents == waits[7].revents);
    expect(count == (found == 7 ? 2 : 1));
    return found;
}

static int select_set(struct set *set)
{
    fd_set in;
    int highest = 0, found = -1;
    FD_ZERO(&in);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (set->in[i] < FD_SETSIZE) {
            FD_SET(set->in[i], &in);
            highest = set->in[i] > highest ? set->in[i] : highest;
        }
    if (select(highest + 1, &in, NULL, NULL, NULL) != 1)
        return -1;
    for (int i = 0; i < DESCRIPTORS; i++)
        if (set->in[i] < FD_SETSIZE && FD_ISSET(set->in[i], &in))
            found = i;
    return found;
}

static void *asks(void *argument)
{
    struct set *set = &sets[index_of(argument)];
    char byte;
    for (int round = 0; round < ROUNDS; round++) {
        bool can_select = set->in[DESCRIPTORS - 1] < FD_SETSIZE;
        int found = round % 2 && can_select ? select_set(set) : poll_set(set);
        expect(found == round * 37 % DESCRIPTORS);
        expect(read(set->in[found], &byte, 1) == 1);
        __atomic_fetch_add(&set->answered, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *polls_for_ever(void *argument)
{
    for (;;)
        poll_set(argument);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < DESCRIPTORS; i++) {
            int ends[2];
            must_sys(pipe(ends));
            sets[t].in[i] = ends[0];
            sets[t].out[i] = ends[1];
        }
    start_many(threads, THREADS, asks);
    for (int round = 0; round < ROUNDS; round++)
        for (int t = 0; t < THREADS; t++) {
            while (__atomic_load_n(&sets[t].answered, __ATOMIC_SEQ_CST) < round)
                usleep(100);
            must_sys(write(sets[t].out[round * 37 % DESCRIPTORS], "x", 1));
        }
    join_many(threads, THREADS);
    pthread_t thread = start(polls_for_ever, &sets[0]);
    settle();
    must(pthread_cancel(thread));
    expect(join(thread) == PTHREAD_CANCELED);
    must_sys(write(sets[0].out[3], "x", 1));
    say("found %d\n", poll_set(&sets[0]));
    return finished();
}
