/* SPDX-License-Identifier: MIT */
#include "child.h"

#include "engine.h"
#include "ours.h"
#include "stats.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 200 };

/* One that waits for a child. */
struct waiting {
    pid_t process;
    _Atomic bool begun;
    _Atomic int result; /* 1: not yet */
};

static struct waiting waiting[MANY];
static int gate[2];

static pid_t make_child(void)
{
    char byte;
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        close(gate[1]); /* should the test die, there is an end to the wait */
        read(gate[0], &byte, 1);
        _exit(7);
    }
    return child;
}

static void release(int count)
{
    while (count--)
        must(write(gate[1], "x", 1) == 1);
}

static void *wait_for_child(void *argument)
{
    struct waiting *mine = argument;
    ut_critical_begin();
    atomic_store(&mine->begun, true);
    atomic_store(&mine->result, ut_child_wait(mine->process, "child"));
    ut_critical_end();
    return NULL;
}

static struct ut_coro *launch(struct waiting *mine, pid_t process)
{
    mine->process = process;
    atomic_store(&mine->result, 1);
    struct ut_coro *coro = engine_launch(wait_for_child, mine);
    until(atomic_load(&mine->begun));
    return coro;
}

static void start(void)
{
    must(pipe(gate) == 0);
    engine_start(2);
}

Test(child, ends_the_wait_when_the_child_has_ended)
{
    start();
    struct ut_coro *coro = launch(&waiting[0], make_child());
    usleep(20000);
    cr_assert_eq(atomic_load(&waiting[0].result), 1);
    release(1);
    engine_join(coro);
    int status;
    cr_assert_eq(atomic_load(&waiting[0].result), 0);
    cr_assert_eq(waitpid(waiting[0].process, &status, WNOHANG), waiting[0].process);
    cr_assert_eq(WEXITSTATUS(status), 7);
    cr_assert_eq(atomic_load(&ut_stats.children_awaited), 1);
}

Test(child, returns_at_once_for_what_has_ended_or_is_a_stranger)
{
    start();
    pid_t child = make_child();
    release(1);
    siginfo_t info;
    must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    engine_join(launch(&waiting[0], child));
    cr_assert_eq(atomic_load(&waiting[0].result), 0);
    must(waitpid(child, NULL, 0) == child);
    engine_join(launch(&waiting[1], child)); /* gone */
    cr_assert_eq(atomic_load(&waiting[1].result), 0);
    engine_join(launch(&waiting[2], getppid())); /* lives, and is no child */
    cr_assert_eq(atomic_load(&waiting[2].result), 0);
}

Test(child, ends_the_wait_when_somebody_else_reaps_the_child)
{
    start();
    struct ut_coro *coro = launch(&waiting[0], make_child());
    release(1);
    must(waitpid(waiting[0].process, NULL, 0) == waiting[0].process);
    engine_join(coro);
    cr_assert_eq(atomic_load(&waiting[0].result), 0);
}

Test(child, takes_one_kernel_thread_and_no_descriptor_for_many, .timeout = 30)
{
    struct ut_coro *coro[MANY];
    start();
    int lowest = dup(0);
    close(lowest);
    for (int i = 0; i < MANY; i++)
        coro[i] = launch(&waiting[i], make_child());
    /* main, the lanes, the monitor, the maker, the watcher; a spare carrier after a hand-over */
    until(engine_kernel_threads() <= 1 + 2 + 1 + 1 + 1 + 1);
    int now = dup(0);
    cr_assert_eq(now, lowest);
    close(now);
    release(MANY);
    for (int i = 0; i < MANY; i++) {
        engine_join(coro[i]);
        cr_assert_eq(atomic_load(&waiting[i].result), 0);
        must(waitpid(waiting[i].process, NULL, WNOHANG) == waiting[i].process);
    }
}

/* More often than the watcher has room for descriptors: it gives them back. */
Test(child, is_interrupted_again_and_again)
{
    start();
    struct rlimit few, before;
    must(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = (struct rlimit){100, before.rlim_max};
    must(setrlimit(RLIMIT_NOFILE, &few) == 0);
    pid_t child = make_child();
    for (int i = 0; i < 300; i++) {
        struct waiting *mine = &waiting[0];
        atomic_store(&mine->begun, false);
        struct ut_coro *coro = launch(mine, child);
        if (i % 2)
            usleep(500); /* it is most likely being watched for; otherwise it may still be asking */
        until((ut_wait_interrupt(coro), atomic_load(&mine->result) != 1));
        engine_join(coro);
        cr_assert_eq(atomic_load(&mine->result), -EINTR);
    }
    must(setrlimit(RLIMIT_NOFILE, &before) == 0);
    release(1);
    must(waitpid(child, NULL, 0) == child);
}

Test(child, says_so_when_there_are_no_descriptors)
{
    start();
    struct ut_coro *first = launch(&waiting[0], make_child()); /* starts the watcher */
    struct rlimit before, none;
    usleep(20000);
    must(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){0, before.rlim_max};
    pid_t child = make_child();
    must(setrlimit(RLIMIT_NOFILE, &none) == 0);
    engine_join(launch(&waiting[1], child));
    must(setrlimit(RLIMIT_NOFILE, &before) == 0);
    cr_assert_eq(atomic_load(&waiting[1].result), -ENOSYS);
    release(2);
    engine_join(first);
    cr_assert_eq(atomic_load(&waiting[0].result), 0);
}

/* Turns */

struct turning {
    struct ut_child_set set;
    _Atomic bool begun;
    _Atomic int result; /* 1: not yet */
    _Atomic bool go;    /* end the turn */
};

static void *take_turn(void *argument)
{
    struct turning *mine = argument;
    struct ut_child_turn turn;
    ut_critical_begin();
    ut_child_turn_begin(&turn, mine->set);
    atomic_store(&mine->begun, true);
    atomic_store(&mine->result, ut_child_turn_wait(&turn, "turn"));
    ut_critical_end();
    until((engine_yield(), atomic_load(&mine->go)));
    ut_critical_begin();
    ut_child_turn_end(&turn);
    ut_critical_end();
    return NULL;
}

static struct ut_coro *take(struct turning *mine, int type, int id, int options)
{
    mine->set = (struct ut_child_set){type, id, options};
    atomic_store(&mine->result, 1);
    struct ut_coro *coro = engine_launch(take_turn, mine);
    until(atomic_load(&mine->begun));
    return coro;
}

Test(turn, one_of_each_set_leads_in_the_order_of_their_coming)
{
    static struct turning any[4], stops, group;
    struct ut_coro *coro[4];
    engine_start(2);
    for (int i = 0; i < 4; i++)
        coro[i] = take(&any[i], P_ALL, 0, 0);
    struct ut_coro *other = take(&stops, P_ALL, 0, WUNTRACED);
    struct ut_coro *third = take(&group, P_PGID, 5, 0);
    until(atomic_load(&stops.result) == 0 && atomic_load(&group.result) == 0);
    for (int i = 0; i < 4; i++) {
        until(atomic_load(&any[i].result) == 0);
        usleep(2000);
        for (int j = i + 1; j < 4; j++)
            cr_assert_eq(atomic_load(&any[j].result), 1, "%d leads beside %d", j, i);
        atomic_store(&any[i].go, true);
        engine_join(coro[i]);
    }
    atomic_store(&stops.go, true);
    atomic_store(&group.go, true);
    engine_join(other);
    engine_join(third);
}

Test(turn, an_interrupted_one_passes_the_lead_on)
{
    static struct turning any[3];
    struct ut_coro *coro[3];
    engine_start(2);
    for (int i = 0; i < 3; i++)
        coro[i] = take(&any[i], P_ALL, 0, 0);
    until((ut_wait_interrupt(coro[1]), atomic_load(&any[1].result) != 1));
    cr_assert_eq(atomic_load(&any[1].result), -EINTR);
    atomic_store(&any[0].go, true); /* the lead goes to the one that is about to leave */
    engine_join(coro[0]);
    cr_assert_eq(atomic_load(&any[2].result), 1);
    atomic_store(&any[1].go, true);
    engine_join(coro[1]);
    until(atomic_load(&any[2].result) == 0);
    atomic_store(&any[2].go, true);
    engine_join(coro[2]);
}
