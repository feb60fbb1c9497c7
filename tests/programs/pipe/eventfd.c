/* SPDX-License-Identifier: MIT */
/* eventfd as a counter and as a semaphore, timerfd, and inotify: blocking reads by threads. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#include "check.h"

enum { THREADS = 30 };

static int event, taken;

static void *takes(void *argument)
{
    eventfd_t value;
    must_sys(eventfd_read(event, &value));
    expect(value == 1);
    __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
    return argument;
}

static void *adds_too_much(void *argument)
{
    must_sys(eventfd_write(event, 2));
    return argument;
}

static void *reads_timer(void *argument)
{
    struct itimerspec every = {{0, 20 * MILLISECOND}, {0, 20 * MILLISECOND}};
    uint64_t expirations, total = 0;
    int timer = (int)must_sys(timerfd_create(CLOCK_MONOTONIC, 0));
    int64_t begin = now_ns();
    must_sys(timerfd_settime(timer, 0, &every, NULL));
    while (total < 3) {
        expect(read(timer, &expirations, sizeof expirations) == sizeof expirations);
        total += expirations;
    }
    expect(now_ns() - begin >= 40 * MILLISECOND);
    show_sys(read(timer, &expirations, 4));
    close(timer);
    return argument;
}

static void *watches(void *argument)
{
    union {
        struct inotify_event event;
        char space[sizeof(struct inotify_event) + 64];
    } change;
    int watch = index_of(argument);
    must_sys(read(watch, &change, sizeof change));
    say("%s created\n", change.space + offsetof(struct inotify_event, name));
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    eventfd_t value;
    event = (int)must_sys(eventfd(0, EFD_SEMAPHORE));
    start_many(threads, THREADS, takes);
    must_sys(eventfd_write(event, THREADS));
    join_many(threads, THREADS);
    say("taken %d\n", taken);
    close(event);

    event = (int)must_sys(eventfd(0, 0));
    must_sys(eventfd_write(event, UINT64_MAX - 2));
    pthread_t adder = start(adds_too_much, NULL);
    settle();
    must_sys(eventfd_read(event, &value));
    expect(value == UINT64_MAX - 2);
    join(adder);
    must_sys(eventfd_read(event, &value));
    say("value %d\n", (int)value);
    must_sys(fcntl(event, F_SETFL, O_NONBLOCK));
    show_sys(eventfd_read(event, &value));
    show_sys(eventfd_write(event, UINT64_MAX));

    join(start(reads_timer, NULL));

    int watch = (int)must_sys(inotify_init1(0));
    must_sys(inotify_add_watch(watch, ".", IN_CREATE));
    pthread_t watcher = start(watches, (void *)(intptr_t)watch);
    settle();
    close((int)must_sys(open("new-file", O_CREAT | O_WRONLY, 0600)));
    join(watcher);
    unlink("new-file");
    return finished();
}
