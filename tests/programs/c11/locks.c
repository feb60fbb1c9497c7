/* SPDX-License-Identifier: MIT */
/* C11 mutexes and conditions: results of each kind of mutex, time-outs, a relay of threads. */
#include <threads.h>

#include "check.h"

enum { THREADS = 16, TURNS = 1000 };

static mtx_t plain, timed, recursive;
static cnd_t changed;
static int turn;

static const char *word(int result)
{
    return result == thrd_success    ? "success"
           : result == thrd_busy     ? "busy"
           : result == thrd_timedout ? "timed out"
           : result == thrd_error    ? "error"
                                     : "other";
}

#define show_word(call) say("%s -> %s\n", #call, word(call))

static int other(void *argument)
{
    struct timespec soon = deadline_on(CLOCK_REALTIME, 40);
    int64_t begin = now_ns();
    show_word(mtx_trylock(&plain));
    show_word(mtx_trylock(&recursive));
    show_word(mtx_timedlock(&timed, &soon));
    say("%s\n", elapsed_word(begin, 39));
    return index_of(argument);
}

static int takes_turns(void *argument)
{
    mtx_lock(&plain);
    for (;;) {
        while (turn < TURNS && turn % THREADS != index_of(argument))
            cnd_wait(&changed, &plain);
        if (turn >= TURNS)
            break;
        turn++;
        cnd_broadcast(&changed);
    }
    mtx_unlock(&plain);
    return 0;
}

int main(void)
{
    thrd_t threads[THREADS];
    show_word(mtx_init(&plain, 77));
    show_word(mtx_init(&plain, mtx_plain));
    show_word(mtx_init(&timed, mtx_timed));
    show_word(mtx_init(&recursive, mtx_plain | mtx_recursive));
    show_word(cnd_init(&changed));
    show_word(mtx_lock(&plain));
    show_word(mtx_lock(&timed));
    show_word(mtx_lock(&recursive));
    show_word(mtx_lock(&recursive));
    thrd_create(&threads[0], other, NULL);
    thrd_join(threads[0], NULL);
    struct timespec soon = deadline_on(CLOCK_REALTIME, 40);
    int64_t begin = now_ns();
    show_word(cnd_timedwait(&changed, &timed, &soon));
    say("%s\n", elapsed_word(begin, 39));
    show_word(mtx_unlock(&timed));
    show_word(mtx_unlock(&recursive));
    show_word(mtx_unlock(&recursive));
    show_word(mtx_unlock(&plain));
    for (int i = 0; i < THREADS; i++)
        thrd_create(&threads[i], takes_turns, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++)
        thrd_join(threads[i], NULL);
    say("turn %d\n", turn);
    mtx_destroy(&plain);
    cnd_destroy(&changed);
    return finished();
}
