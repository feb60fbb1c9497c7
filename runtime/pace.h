/* SPDX-License-Identifier: MIT */
/*
 * Calls that cannot be tried without blocking, on files: read, write and the like. Most take a
 * microsecond, and handing a lane over for those would cost ten times as much; some take milliseconds,
 * and a lane that stands still until the monitor comes costs everybody on it. Each descriptor
 * remembers which it was lately: if its calls keep losing their lane, the next ones give it away
 * at once; then a clock tells when they have become quick again. And if nobody has used the lane the last
 * few times, the next ones keep it, unless somebody waits already: two kernel threads to wake
 * for nothing would double what a read from a fast disk takes. The monitor sees to who comes.
 *
 *      ut_pace_begin(&call, ut_fd_pace(fd), "read");
 *      the call
 *      ut_pace_end(&call);
 */
#ifndef UT_PACE_H
#define UT_PACE_H

#include "sched.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What RWF_NOWAIT, which reads only what is cached, is good for. */
enum ut_pace_nowait {
    UT_PACE_ASK,    /* not known yet, or no longer */
    UT_PACE_TELLS,  /* it says what is cached */
    UT_PACE_BLIND,  /* the file system does not know it */
    UT_PACE_DIRECT, /* O_DIRECT: nothing is cached, and the kernel waits for the device all the same */
};

/* What a descriptor remembers. A guess: written without a lock by whoever comes. */
struct ut_pace {
    _Atomic uint8_t level;
    _Atomic uint8_t vain;   /* how often in a row a lane was given away and nobody used it */
    _Atomic uint8_t nowait; /* enum ut_pace_nowait */
};

/* How a call went. */
enum ut_pace_course {
    UT_PACE_KEPT,  /* it kept its lane, */
    UT_PACE_LOST,  /* or the monitor took it */
    UT_PACE_QUICK, /* it gave its lane away, for nothing, */
    UT_PACE_LONG,  /* or with good reason */
};

void ut_pace_note(struct ut_pace *pace, enum ut_pace_course course);

/* Should the next call give its lane away at once? */
bool ut_pace_is_slow(const struct ut_pace *pace);

struct ut_pace_call {
    struct ut_pace *pace; /* NULL: nothing is remembered */
    bool slow;            /* it is expected to be slow, and has given its lane away for that */
    struct ut_gift gift;  /* the lane that it has given away */
    int64_t since;        /* and when, if it has */
};

/* A region (sched.h) of the calling coroutine, and its end. Same conditions. */
void ut_pace_begin(struct ut_pace_call *call, struct ut_pace *pace, const char *symbol);
void ut_pace_end(struct ut_pace_call *call);

/* Within it: the call is known to block now. Give the lane away, if that has not been done. */
void ut_pace_give(struct ut_pace_call *call);

#endif
