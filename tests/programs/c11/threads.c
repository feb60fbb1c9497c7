/* SPDX-License-Identifier: MIT */
/* C11 threads: results, thrd_exit, detach, equal, sleep, call_once. */
#include <threads.h>

#include "check.h"

enum { THREADS = 60 };

static once_flag once = ONCE_FLAG_INIT;
static int runs;
static mtx_t lock;
static cnd_t changed;
static bool detached_done;

static void run(void)
{
    runs++;
}

static int routine(void *argument)
{
    call_once(&once, run);
    if (index_of(argument) % 2)
        thrd_exit(-index_of(argument));
    return index_of(argument);
}

static int detached(void *argument)
{
    (void)argument;
    mtx_lock(&lock);
    detached_done = true;
    cnd_signal(&changed);
    mtx_unlock(&lock);
    return 0;
}

int main(void)
{
    thrd_t threads[THREADS];
    int sum = 0, result;
    for (int i = 0; i < THREADS; i++)
        expect(thrd_create(&threads[i], routine, (void *)(intptr_t)i) == thrd_success);
    for (int i = 0; i < THREADS; i++) {
        expect(thrd_join(threads[i], &result) == thrd_success);
        expect(result == (i % 2 ? -i : i));
        sum += result;
    }
    say("sum %d, runs %d\n", sum, runs);
    expect(thrd_equal(thrd_current(), thrd_current()));
    mtx_init(&lock, mtx_plain);
    cnd_init(&changed);
    expect(thrd_create(&threads[0], detached, NULL) == thrd_success);
    expect(thrd_detach(threads[0]) == thrd_success);
    mtx_lock(&lock);
    while (!detached_done)
        cnd_wait(&changed, &lock);
    mtx_unlock(&lock);
    struct timespec thirty = {0, 30 * MILLISECOND}, bad = {0, SECOND};
    int64_t begin = now_ns();
    say("thrd_sleep %d", thrd_sleep(&thirty, NULL));
    say(" %s\n", elapsed_word(begin, 30));
    say("thrd_sleep %d\n", thrd_sleep(&bad, NULL));
    return finished();
}
