/* SPDX-License-Identifier: MIT */
#include "reactor.h"

#include "clock.h"
#include "engine.h"
#include "fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct ut_reactor *reactor;
static int ends[2];

static void make(void)
{
    reactor = ut_reactor_create();
    cr_assert_not_null(reactor);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

/* Events that were dispatched for the pipe's end show in its stamp. */
static uint32_t stamp(void)
{
    struct ut_fd_use use;
    cr_assert(ut_fd_use(&use, ends[0], UT_FD_READ));
    return use.stamp;
}

static int watch(int fd)
{
    return ut_reactor_watch(reactor, fd, (uint32_t)fd); /* a first use: generation 0 */
}

/* Wait as often as it takes: it may return early. */
static void wait_for_event(uint32_t before)
{
    while (stamp() == before)
        ut_reactor_wait(reactor, UT_FOREVER);
}

Test(reactor, a_poke_ends_the_next_wait, .init = make, .timeout = 30)
{
    for (int i = 0; i < 100; i++) {
        errno = EXDEV;
        ut_reactor_poke(reactor);
        cr_assert_eq(errno, EXDEV);
        ut_reactor_wait(reactor, UT_FOREVER);
    }
}

static _Atomic unsigned waits_ended;
static _Atomic bool stop;

static void *poke_until_stopped(void *unused)
{
    while (!atomic_load(&stop)) {
        unsigned before = atomic_load(&waits_ended);
        ut_reactor_poke(reactor);
        until(atomic_load(&waits_ended) != before || atomic_load(&stop));
    }
    return unused;
}

/* Each poke is waited for to have its effect before the next one. */
Test(reactor, no_poke_is_lost, .init = make, .timeout = 60)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, poke_until_stopped, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        ut_reactor_wait(reactor, UT_FOREVER);
        atomic_fetch_add(&waits_ended, 1);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

static void wait_until(int64_t deadline)
{
    while (ut_clock_now() < deadline)
        ut_reactor_wait(reactor, deadline);
}

Test(reactor, a_deadline_ends_the_wait, .init = make, .timeout = 30)
{
    for (int i = 0; i < 50; i++) { /* in microseconds, not in libuv's milliseconds */
        int64_t deadline = ut_clock_now() + i * 37 * UT_MICROSECOND;
        wait_until(deadline);
        cr_assert_lt(ut_clock_now(), deadline + 5 * UT_SECOND);
    }
}

Test(reactor, a_deadline_in_the_past_does_not_wait, .init = make, .timeout = 30)
{
    ut_reactor_wait(reactor, ut_clock_now() - UT_SECOND);
    ut_reactor_wait(reactor, 1);
}

/* As for a waiter whose deadline is 0: it must not mean "none". */
Test(reactor, zero_and_below_are_in_the_past, .init = make, .timeout = 20)
{
    ut_reactor_wait(reactor, 0);
    ut_reactor_wait(reactor, -1);
    ut_reactor_wait(reactor, -UT_SECOND - 1);
}

Test(reactor, a_deadline_may_come_nearer_and_go_away, .init = make, .timeout = 30)
{
    int64_t soon = ut_clock_now() + UT_MILLISECOND;
    ut_reactor_poke(reactor);
    ut_reactor_wait(reactor, ut_clock_now() + 3600 * UT_SECOND);
    ut_reactor_poke(reactor);
    ut_reactor_wait(reactor, soon);
    wait_until(soon);
    ut_reactor_poke(reactor);
    ut_reactor_wait(reactor, UT_FOREVER);
    wait_until(ut_clock_now() + UT_MILLISECOND);
}

Test(reactor, events_reach_the_descriptor, .init = make, .timeout = 30)
{
    uint32_t before = stamp();
    cr_assert_eq(watch(ends[0]), 0);
    cr_assert_not(ut_reactor_has_events(reactor));
    ut_reactor_poll(reactor);
    cr_assert_eq(stamp(), before);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert(ut_reactor_has_events(reactor));
    wait_for_event(before);
    cr_assert_not(ut_reactor_has_events(reactor), "edge-triggered: reported once");
    before = stamp();
    ut_reactor_poll(reactor);
    cr_assert_eq(stamp(), before);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    ut_reactor_poll(reactor);
    cr_assert_neq(stamp(), before);
}

Test(reactor, what_is_there_when_it_is_watched_is_reported, .init = make, .timeout = 30)
{
    uint32_t before = stamp();
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(watch(ends[0]), 0);
    wait_for_event(before);
    before = stamp();
    cr_assert_eq(watch(ends[0]), 0); /* and again, if it is watched once more */
    wait_for_event(before);
}

Test(reactor, a_forgotten_one_is_silent, .init = make, .timeout = 30)
{
    uint32_t before = stamp();
    cr_assert_eq(watch(ends[0]), 0);
    ut_reactor_forget(reactor, ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_not(ut_reactor_has_events(reactor));
    ut_reactor_poll(reactor);
    cr_assert_eq(stamp(), before);
    ut_reactor_forget(reactor, ends[0]);
}

Test(reactor, files_cannot_be_watched, .init = make)
{
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_assert_eq(watch(fileno(file)), -EPERM);
    fclose(file);
    cr_assert_eq(watch(ends[0] + 1000), -EBADF);
}

/* More events at a time than one batch holds. */
Test(reactor, many_events_at_once, .init = make, .timeout = 30)
{
    enum { COUNT = 1000 };
    static int events[COUNT];
    struct ut_fd_use use;
    for (int i = 0; i < COUNT; i++) {
        events[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        cr_assert(ut_fd_use(&use, events[i], UT_FD_READ));
        cr_assert_eq(watch(events[i]), 0);
    }
    while (ut_reactor_has_events(reactor))
        ut_reactor_wait(reactor, UT_FOREVER);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(ut_fd_use(&use, events[i], UT_FD_READ));
        cr_assert_gt(use.stamp, 1, "no event for the %dth", i);
    }
}
