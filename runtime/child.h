/* SPDX-License-Identifier: MIT */
/*
 * How coroutines wait for child processes. For one certain child: without a kernel thread each, see
 * child.c. For any child of a set: no descriptor tells of that, so one of those who wait for the
 * same set makes the real call, and holds its kernel thread for all of them (turn.c).
 */
#ifndef UT_CHILD_H
#define UT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ut_coro;

/*
 * Wait until the child PROCESS has ended, reaped or not, or does not exist. 0: look again, and if
 * wait4 with WNOHANG still finds nothing, it takes a kernel thread; -EINTR: a signal or cancellation
 * asks for attention; -ENOSYS: the kernel cannot tell, or has no descriptor left for it.
 * Coroutines, in a critical section.
 */
int ut_child_wait(pid_t process, const char *why);

/* A set of children, and of events of theirs, as waitid(2) and wait4(2) know them. */
struct ut_child_set {
    int type, id, options;
};

/* One who waits for a set, on its own stack. */
struct ut_child_turn {
    struct ut_child_turn *next, *previous; /* under the lock, as is LEADS */
    struct ut_coro *coro;
    uint64_t ticket;
    struct ut_child_set set;
    bool leads;
};

/*
 * Queue TURN, of the calling coroutine, for SET; later take it out, in any case and only once.
 * Between the two ut_child_turn_wait: 0 when it is the first of its set, which it then stays, and
 * may make the call; -EINTR as above. Coroutines, in a critical section.
 */
void ut_child_turn_begin(struct ut_child_turn *turn, struct ut_child_set set);
int ut_child_turn_wait(struct ut_child_turn *turn, const char *why);
void ut_child_turn_end(struct ut_child_turn *turn);

/* In a forked child: nobody waits and nothing has been started. */
void ut_child_forked(void);
void ut_child_turns_forked(void);

#endif
