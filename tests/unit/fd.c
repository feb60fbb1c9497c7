/* SPDX-License-Identifier: MIT */
#include "fd.h"
#include "ours.h"

#include "clock.h"
#include "engine.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A pair of sockets; the first one is read by coroutines. */
static int ends[2];

static void open_pair_as(int pair[2], enum ut_fd_kind kind)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    ut_fd_opened(pair[0], kind, true, true);
    ut_fd_opened(pair[1], kind, true, true);
}

static void start_with_pair(void)
{
    engine_start(2);
    open_pair_as(ends, UT_FD_STREAM);
}

static void close_properly(int fd)
{
    ut_critical_begin();
    ut_fd_closing(fd);
    ut_critical_end();
    close(fd);
}

static _Atomic unsigned attempts; /* read calls made by receive */
static _Atomic int about_to_wait; /* coroutines in receive that have found nothing */

/* As the shim reads: no call if nothing can be there, then wait. A count or -errno. */
static ssize_t receive(int fd, void *buffer, size_t size, int64_t deadline)
{
    struct ut_fd_use use;
    for (;;) {
        must(ut_fd_use(&use, fd, UT_FD_READ));
        if (ut_fd_promising(&use)) {
            ssize_t count = read(fd, buffer, size);
            atomic_fetch_add(&attempts, 1);
            if (count < 0 && errno != EAGAIN)
                return -errno;
            if (count >= 0 && (size_t)count < size)
                ut_fd_drained(&use);
            if (count >= 0) {
                ut_critical_begin();
                ut_fd_pass_on(&use);
                ut_critical_end();
                return count;
            }
        }
        ut_critical_begin();
        atomic_fetch_add(&about_to_wait, 1);
        int error = ut_fd_wait(&use, NULL, "read", deadline);
        ut_critical_end();
        if (error)
            return error;
    }
}

static void *receive_byte(void *fd)
{
    char byte = 0;
    ssize_t count = receive((int)(intptr_t)fd, &byte, 1, UT_FOREVER);
    return (void *)(intptr_t)(count == 1 ? byte : count);
}

static void *receive_number(void *fd)
{
    uint64_t number = 0;
    ssize_t count = receive((int)(intptr_t)fd, &number, sizeof number, UT_FOREVER);
    return (void *)(intptr_t)(count == sizeof number ? (intptr_t)number : count);
}

/* Returns when it waits. */
static struct ut_coro *start(void *(*routine)(void *), int fd)
{
    int before = atomic_load(&about_to_wait);
    struct ut_coro *coro = engine_launch(routine, (void *)(intptr_t)fd);
    until(atomic_load(&about_to_wait) > before &&
          atomic_load(&coro->parking) == UT_CORO_PARKED);
    return coro;
}

static struct ut_coro *start_receiving(int fd)
{
    return start(receive_byte, fd);
}

static intptr_t result_of(struct ut_coro *coro)
{
    return (intptr_t)engine_join(coro);
}

/* Readiness */

Test(fd, a_byte_wakes_the_reader, .init = start_with_pair, .timeout = 30)
{
    for (int i = 1; i < 100; i++) {
        char byte = (char)i;
        struct ut_coro *coro = start_receiving(ends[0]);
        cr_assert_eq(write(ends[1], &byte, 1), 1);
        cr_assert_eq(result_of(coro), i);
    }
}

Test(fd, what_is_there_already_is_read_at_once, .init = start_with_pair, .timeout = 30)
{
    cr_assert_eq(write(ends[1], "abc", 3), 3);
    cr_assert_eq((intptr_t)engine_run(receive_byte, (void *)(intptr_t)ends[0]), 'a');
    cr_assert_eq((intptr_t)engine_run(receive_byte, (void *)(intptr_t)ends[0]), 'b');
    cr_assert_eq(atomic_load(&about_to_wait), 0);
}

Test(fd, the_end_of_file_wakes_the_reader, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *coro = start_receiving(ends[0]);
    close_properly(ends[1]);
    cr_assert_eq(result_of(coro), 0);
    cr_assert_eq((intptr_t)engine_run(receive_byte, (void *)(intptr_t)ends[0]), 0, "for ever");
}

Test(fd, the_end_of_file_is_for_everybody, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *coros[5];
    for (int i = 0; i < 5; i++)
        coros[i] = start_receiving(ends[0]);
    close_properly(ends[1]);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(result_of(coros[i]), 0);
}

Test(fd, pipes_work, .timeout = 30)
{
    int pipe_ends[2];
    engine_start(2);
    cr_assert_eq(pipe(pipe_ends), 0); /* not pipe2: that makes them the runtime's own here */
    cr_assert_eq(fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 10; i++) {
        struct ut_coro *coro = start_receiving(pipe_ends[0]);
        cr_assert_eq(write(pipe_ends[1], "x", 1), 1);
        cr_assert_eq(result_of(coro), 'x');
    }
    struct ut_coro *coro = start_receiving(pipe_ends[0]);
    close_properly(pipe_ends[1]);
    cr_assert_eq(result_of(coro), 0);
}

Test(fd, eventfds_work, .timeout = 30)
{
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    engine_start(2);
    for (uint64_t i = 1; i < 10; i++) {
        struct ut_coro *coro = start(receive_number, event);
        cr_assert_eq(write(event, &i, sizeof i), sizeof i);
        cr_assert_eq(result_of(coro), (intptr_t)i);
    }
}

static void *wait_only(void *argument)
{
    struct ut_fd_use *use = argument;
    ut_critical_begin();
    int error = ut_fd_wait(use, NULL, "test", ut_clock_now() + 5 * UT_SECOND);
    ut_critical_end();
    return (void *)(intptr_t)error;
}

Test(fd, a_regular_file_cannot_be_watched, .timeout = 30)
{
    struct ut_fd_use use;
    engine_start(1);
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_assert(ut_fd_use(&use, fileno(file), UT_FD_READ));
    cr_assert_eq((intptr_t)engine_run(wait_only, &use), -EPERM);
    fclose(file);
}

static void *write_all(void *unused)
{
    static char block[65536];
    size_t left = 4 << 20;
    struct ut_fd_use use;
    while (left) {
        must(ut_fd_use(&use, ends[0], UT_FD_WRITE));
        ssize_t count = write(ends[0], block, left < sizeof block ? left : sizeof block);
        must(count > 0 || errno == EAGAIN);
        if (count > 0) {
            left -= (size_t)count;
            continue;
        }
        ut_critical_begin();
        must(ut_fd_wait(&use, NULL, "write", UT_FOREVER) == 0);
        ut_critical_end();
        atomic_fetch_add(&attempts, 1);
    }
    return unused;
}

Test(fd, a_full_socket_is_waited_for, .init = start_with_pair, .timeout = 60)
{
    static char block[65536];
    size_t total = 0;
    struct ut_coro *coro = engine_launch(write_all, NULL);
    until(atomic_load(&coro->parking) == UT_CORO_PARKED);
    while (total < 4 << 20) {
        ssize_t count = read(ends[1], block, sizeof block);
        if (count > 0)
            total += (size_t)count;
        else
            sched_yield();
    }
    engine_join(coro);
    cr_assert_gt(atomic_load(&attempts), 0);
}

/* Timeouts */

static void *receive_until(void *deadline)
{
    char byte;
    return (void *)(intptr_t)receive(ends[0], &byte, 1, *(int64_t *)deadline);
}

Test(fd, times_out, .init = start_with_pair, .timeout = 30)
{
    for (int i = 0; i < 5; i++) {
        int64_t deadline = ut_clock_now() + i * UT_MILLISECOND;
        cr_assert_eq((intptr_t)engine_run(receive_until, &deadline), -ETIMEDOUT);
        cr_assert_geq(ut_clock_now(), deadline);
    }
    struct ut_coro *coro = start_receiving(ends[0]); /* nothing is left of those that gave up */
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
}

Test(fd, an_interruption_ends_the_wait, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *coro = start_receiving(ends[0]);
    ut_critical_begin();
    ut_wait_interrupt(coro);
    ut_critical_end();
    cr_assert_eq(result_of(coro), -EINTR);
}

/* Close and reuse */

Test(fd, closing_wakes_all_that_wait, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *coros[5];
    for (int i = 0; i < 5; i++)
        coros[i] = start_receiving(ends[0]);
    close_properly(ends[0]);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(result_of(coros[i]), -EBADF);
}

Test(fd, a_use_of_a_closed_one_does_not_wait, .init = start_with_pair, .timeout = 30)
{
    struct ut_fd_use use;
    int old = ends[0], old_peer = ends[1];
    cr_assert(ut_fd_use(&use, old, UT_FD_READ));
    close_properly(old);
    cr_assert_eq((intptr_t)engine_run(wait_only, &use), -EBADF);
    close_properly(old_peer);
    open_pair_as(ends, UT_FD_STREAM);
    cr_assert_eq(ends[0], old, "the number is used again");
    cr_assert_eq((intptr_t)engine_run(wait_only, &use), -EBADF);
}

/* As it comes from the reactor, for the use of the number that USE was taken of. */
static void event(const struct ut_fd_use *use, uint32_t events)
{
    ut_critical_begin();
    ut_fd_event((uint64_t)use->generation << 32 | (uint32_t)use->fd, events, 1);
    ut_critical_end();
}

Test(fd, a_late_event_does_not_concern_the_new_use, .init = start_with_pair, .timeout = 30)
{
    struct ut_fd_use old;
    int number = ends[0];
    cr_assert(ut_fd_use(&old, number, UT_FD_READ));
    close_properly(ends[0]);
    close_properly(ends[1]);
    open_pair_as(ends, UT_FD_STREAM);
    cr_assert_eq(ends[0], number);
    struct ut_coro *coro = start_receiving(number);
    unsigned before = atomic_load(&attempts);
    event(&old, EPOLLIN);
    cr_assert_eq(atomic_load(&coro->parking), UT_CORO_PARKED);
    cr_assert_eq(atomic_load(&attempts), before);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
}

Test(fd, the_new_use_of_a_number_works, .init = start_with_pair, .timeout = 30)
{
    for (int i = 0; i < 200; i++) {
        struct ut_coro *coro = start_receiving(ends[0]);
        cr_assert_eq(write(ends[1], "x", 1), 1);
        cr_assert_eq(result_of(coro), 'x');
        close_properly(ends[0]);
        close_properly(ends[1]);
        open_pair_as(ends, UT_FD_STREAM);
    }
}

/* What the program closed behind our back: the number comes again by ut_fd_opened. */
Test(fd, opened_without_closed, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *coro = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
    close(ends[0]);
    close(ends[1]);
    open_pair_as(ends, UT_FD_STREAM);
    coro = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "y", 1), 1);
    cr_assert_eq(result_of(coro), 'y');
}

/* Does any epoll set of this process still watch something by this number? */
static bool is_watched(int fd)
{
    char line[512];
    bool found = false;
    DIR *directory = opendir("/proc/self/fdinfo");
    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        snprintf(line, sizeof line, "/proc/self/fdinfo/%s", entry->d_name);
        FILE *file = fopen(line, "r");
        int number;
        while (file && fgets(line, sizeof line, file))
            if (sscanf(line, "tfd: %d", &number) == 1 && number == fd)
                found = true;
        if (file)
            fclose(file);
    }
    closedir(directory);
    return found;
}

static void expect_forgotten_although_it_lives_on(void)
{
    int copy = fcntl(ends[0], F_DUPFD_CLOEXEC, 1000);
    cr_assert_gt(copy, 0);
    close_properly(ends[0]);
    cr_assert_not(is_watched(ends[0]));
    close(copy);
}

static void watch_pair(void)
{
    start_with_pair();
    struct ut_coro *coro = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
    cr_assert(is_watched(ends[0]));
}

Test(fd, a_shared_one_is_forgotten_by_the_reactor, .init = watch_pair, .timeout = 30)
{
    ut_fd_shared(ends[0]);
    expect_forgotten_although_it_lives_on();
}

/* A child has it as well: it lives on there. */
Test(fd, one_that_a_fork_has_shared_is_forgotten, .init = watch_pair, .timeout = 30)
{
    ut_fd_fork_parent();
    expect_forgotten_although_it_lives_on();
}

/* Stamps */

static bool promising(int fd)
{
    struct ut_fd_use use;
    cr_assert(ut_fd_use(&use, fd, UT_FD_READ));
    return ut_fd_promising(&use);
}

static void forget_events(int fd)
{
    ut_critical_begin();
    ut_fd_forget_events(fd);
    ut_critical_end();
}

/* A number that libc closes and opens again without a word: nothing is left of what was known. */
Test(fd, events_are_forgotten, .init = watch_pair, .timeout = 30)
{
    int others[2];
    struct ut_fd_use use;
    cr_assert(ut_fd_use(&use, ends[0], UT_FD_READ));
    ut_fd_exhausted(&use);
    cr_assert_not(promising(ends[0]));
    forget_events(ends[0]);
    cr_assert(promising(ends[0]));
    cr_assert_not(is_watched(ends[0]));
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, others), 0);
    cr_assert_eq(dup3(others[0], ends[0], O_CLOEXEC), ends[0]);
    struct ut_coro *coro = start_receiving(ends[0]);
    cr_assert_eq(write(others[1], "n", 1), 1);
    cr_assert_eq(result_of(coro), 'n');
    forget_events(-1);
}

/* Somebody waits for it, so it is not libc's. */
Test(fd, events_are_not_forgotten_under_a_waiter, .init = watch_pair, .timeout = 30)
{
    struct ut_coro *coro = start_receiving(ends[0]);
    forget_events(ends[0]);
    cr_assert(is_watched(ends[0]));
    cr_assert_eq(write(ends[1], "w", 1), 1);
    cr_assert_eq(result_of(coro), 'w');
}

static struct ut_fd_use use_of(int fd)
{
    struct ut_fd_use use;
    cr_assert(ut_fd_use(&use, fd, UT_FD_READ));
    return use;
}

Test(fd, a_drained_stream_promises_nothing_until_an_event, .init = watch_pair, .timeout = 30)
{
    cr_assert(promising(ends[0]));
    struct ut_fd_use use = use_of(ends[0]);
    ut_fd_drained(&use);
    cr_assert_not(promising(ends[0]));
    use = use_of(ends[0]);
    cr_assert(use.entry != NULL);
    struct ut_fd_use writing;
    cr_assert(ut_fd_use(&writing, ends[0], UT_FD_WRITE));
    cr_assert(ut_fd_promising(&writing), "the other direction is not concerned");
    cr_assert_eq(write(ends[1], "x", 1), 1);
    until(promising(ends[0]));
}

Test(fd, an_event_in_between_defeats_drained, .init = watch_pair, .timeout = 30)
{
    struct ut_fd_use use = use_of(ends[0]);
    event(&use, EPOLLIN);
    ut_fd_drained(&use);
    cr_assert(promising(ends[0]));
    cr_assert_eq((intptr_t)engine_run(wait_only, &use), 0, "tries again at once");
}

/* A short write has other reasons than a full buffer, after which alone there is an event. */
Test(fd, a_short_write_proves_nothing, .init = watch_pair)
{
    struct ut_fd_use use;
    cr_assert(ut_fd_use(&use, ends[0], UT_FD_WRITE));
    ut_fd_drained(&use);
    cr_assert(ut_fd_use(&use, ends[0], UT_FD_WRITE));
    cr_assert(ut_fd_promising(&use));
}

Test(fd, an_unwatched_one_is_never_drained, .init = start_with_pair)
{
    struct ut_fd_use use = use_of(ends[0]);
    ut_fd_drained(&use);
    cr_assert(promising(ends[0]));
}

Test(fd, only_streams_are_drained_by_a_short_read, .timeout = 30)
{
    engine_start(1);
    open_pair_as(ends, UT_FD_SOCKET);
    struct ut_coro *coro = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
    struct ut_fd_use use = use_of(ends[0]);
    ut_fd_drained(&use);
    cr_assert(promising(ends[0]));
}

Test(fd, after_a_hang_up_the_end_can_be_read, .init = watch_pair, .timeout = 30)
{
    struct ut_fd_use use = use_of(ends[0]);
    event(&use, EPOLLIN | EPOLLRDHUP);
    use = use_of(ends[0]);
    ut_fd_drained(&use);
    cr_assert(promising(ends[0]));
}

Test(fd, a_drained_one_costs_no_call, .init = watch_pair, .timeout = 30)
{
    char bytes[100];
    uint32_t before_it = use_of(ends[0]).stamp;
    cr_assert_eq(write(ends[1], "abc", 3), 3);
    until(use_of(ends[0]).stamp != before_it); /* no event comes after the read, then */
    struct ut_fd_use use = use_of(ends[0]);
    cr_assert_eq(read(ends[0], bytes, sizeof bytes), 3);
    ut_fd_drained(&use);
    cr_assert_not(promising(ends[0]));
    unsigned before = atomic_load(&attempts);
    struct ut_coro *coro = start_receiving(ends[0]);
    cr_assert_eq(atomic_load(&attempts), before);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(coro), 'x');
}

/* Several that wait */

Test(fd, one_event_serves_several_readers, .init = start_with_pair, .timeout = 30)
{
    enum { READERS = 10 };
    struct ut_coro *coros[READERS];
    intptr_t sum = 0;
    for (int i = 0; i < READERS; i++)
        coros[i] = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "0123456789", READERS), READERS);
    for (int i = 0; i < READERS; i++)
        sum += result_of(coros[i]);
    cr_assert_eq(sum, 45 + READERS * '0');
}

Test(fd, an_event_wakes_one_reader_only, .init = start_with_pair, .timeout = 30)
{
    struct ut_coro *first = start_receiving(ends[0]), *second = start_receiving(ends[0]);
    unsigned before = atomic_load(&attempts);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(result_of(first), 'x', "first come, first served");
    /* The first one lets the other try, which is in vain here; not more than that. */
    until(atomic_load(&second->parking) == UT_CORO_PARKED);
    cr_assert_leq(atomic_load(&attempts), before + 2);
    cr_assert_eq(write(ends[1], "y", 1), 1);
    cr_assert_eq(result_of(second), 'y');
}

/* As poll() does: each waits for some events of several descriptors, and takes nothing. */

static _Atomic int pollers;

/* Queue at both: false if an event has come since the kernel was asked. */
static bool queue_at_both(struct ut_fd_waiter *waiters, uint32_t events, uint64_t ticket)
{
    bool come = false;
    for (int i = 0; i < 2; i++) {
        int result = ut_fd_enqueue(&waiters[i], ends[i], events, ticket);
        must(result >= 0);
        come |= result;
    }
    return !come;
}

static void *poll_both(void *events)
{
    struct ut_fd_waiter waiters[2];
    struct ut_coro *self = ut_tls.coro;
    enum ut_wait_outcome outcome = UT_WAIT_PENDING;
    while (outcome == UT_WAIT_PENDING) {
        for (int i = 0; i < 2; i++) { /* the kernel has been asked, and there is nothing to read */
            struct ut_fd_use use;
            must(ut_fd_use(&use, ends[i], UT_FD_READ));
            ut_fd_exhausted(&use);
        }
        ut_critical_begin();
        if (queue_at_both(waiters, (uint32_t)(uintptr_t)events, ut_wait_begin(self))) {
            atomic_fetch_add(&pollers, 1);
            outcome = ut_wait_suspend(self, "poll", UT_FOREVER);
        } else {
            ut_wait_cancel(self);
        }
        for (int i = 0; i < 2; i++)
            ut_fd_dequeue(&waiters[i]);
        ut_critical_end();
    }
    return (void *)(uintptr_t)outcome;
}

Test(fd, all_pollers_are_woken, .init = watch_pair, .timeout = 30)
{
    struct ut_coro *coros[5];
    for (int i = 0; i < 5; i++)
        coros[i] = engine_launch(poll_both, (void *)(uintptr_t)(EPOLLIN | EPOLLPRI));
    until(atomic_load(&pollers) == 5);
    struct ut_coro *reader = start_receiving(ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(result_of(coros[i]), UT_WAIT_WOKEN);
    cr_assert_eq(result_of(reader), 'x');
}

Test(fd, a_poller_is_not_woken_by_other_events, .init = watch_pair, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(poll_both, (void *)(uintptr_t)EPOLLPRI);
    until(atomic_load(&pollers) == 1 && atomic_load(&coro->parking) == UT_CORO_PARKED);
    struct ut_fd_use use = use_of(ends[0]);
    event(&use, EPOLLIN | EPOLLOUT);
    cr_assert_eq(atomic_load(&coro->parking), UT_CORO_PARKED);
    event(&use, EPOLLHUP);
    cr_assert_eq(result_of(coro), UT_WAIT_WOKEN, "hang-ups are always reported");
}

Test(fd, a_close_ends_a_poll, .init = watch_pair, .timeout = 30)
{
    struct ut_coro *coro = engine_launch(poll_both, (void *)(uintptr_t)EPOLLPRI);
    until(atomic_load(&pollers) == 1 && atomic_load(&coro->parking) == UT_CORO_PARKED);
    close_properly(ends[0]);
    cr_assert_eq(result_of(coro), UT_WAIT_CLOSED);
}

/* One that could not be queued may be dequeued like the others. */
static void *enqueue_nonsense(void *file)
{
    static const int nonsense[] = {-1, 1 << 30};
    struct ut_fd_waiter waiter;
    ut_critical_begin();
    uint64_t ticket = ut_wait_begin(ut_tls.coro);
    memset(&waiter, 0x55, sizeof waiter); /* as it comes from the stack */
    must(ut_fd_enqueue(&waiter, (int)(intptr_t)file, EPOLLIN, ticket) == -EPERM);
    ut_fd_dequeue(&waiter);
    for (int i = 0; i < 2; i++) {
        memset(&waiter, 0x55, sizeof waiter);
        must(ut_fd_enqueue(&waiter, nonsense[i], EPOLLIN, ticket) == -EBADF);
        ut_fd_dequeue(&waiter);
    }
    ut_wait_cancel(ut_tls.coro);
    ut_critical_end();
    return NULL;
}

Test(fd, what_cannot_be_watched_is_not_queued, .timeout = 30)
{
    engine_start(1);
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    engine_run(enqueue_nonsense, (void *)(intptr_t)fileno(file));
    fclose(file);
}

/* Crowds */

enum { PAIRS = 500, BYTES = 40 };

static int pairs[PAIRS][2];

static void *echo(void *number)
{
    int fd = pairs[(uintptr_t)number][0];
    char byte;
    ssize_t count;
    while ((count = receive(fd, &byte, 1, UT_FOREVER)) == 1)
        must(write(fd, &byte, 1) == 1);
    return (void *)count;
}

static void *talk(void *number)
{
    int fd = pairs[(uintptr_t)number][1];
    for (int i = 0; i < BYTES; i++) {
        char sent = (char)((uintptr_t)number + (unsigned)i), got = 0;
        must(write(fd, &sent, 1) == 1);
        must(receive(fd, &got, 1, UT_FOREVER) == 1 && got == sent);
    }
    close_properly(fd);
    return NULL;
}

Test(fd, a_crowd_talks, .timeout = 120)
{
    static struct ut_coro *coros[2 * PAIRS];
    engine_start(2);
    for (uintptr_t i = 0; i < PAIRS; i++) {
        open_pair_as(pairs[i], UT_FD_STREAM);
        coros[2 * i] = engine_launch(echo, (void *)i);
        coros[2 * i + 1] = engine_launch(talk, (void *)i);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        cr_assert_eq(result_of(coros[i]), 0);
}

/* Closing while others begin to wait: nobody waits for ever. */
static _Atomic bool no_more;

static void *wait_again_and_again(void *unused)
{
    char byte;
    while (!atomic_load(&no_more)) {
        ssize_t result = receive(ends[0], &byte, 1, UT_FOREVER);
        must(result == -EBADF || result == -ECONNRESET || result >= 0);
    }
    return unused;
}

Test(fd, closing_and_waiting_may_meet, .init = start_with_pair, .timeout = 120)
{
    struct ut_coro *coros[3];
    int number = ends[0];
    for (int i = 0; i < 3; i++)
        coros[i] = engine_launch(wait_again_and_again, NULL);
    for (int i = 0; i < 3000; i++) {
        int fresh[2];
        if (i % 3 == 0)
            cr_assert_eq(write(ends[1], "x", 1), 1);
        atomic_store(&no_more, i == 2999);
        close_properly(ends[0]);
        close_properly(ends[1]);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fresh), 0);
        cr_assert_eq(fresh[0], number);
        ut_fd_opened(fresh[0], UT_FD_STREAM, true, true);
        ut_fd_opened(fresh[1], UT_FD_STREAM, true, true);
        ends[1] = fresh[1];
    }
    close_properly(ends[0]); /* those that have begun a wait on the last use */
    for (int i = 0; i < 3; i++)
        engine_join(coros[i]);
}

/* Our own */

Test(fd, a_forked_child_closes_ours_and_forgets, .init = watch_pair, .timeout = 30)
{
    int ours = ut_ours_keep(eventfd(0, 0));
    ut_fd_forked(); /* this process plays the child; its carriers sleep on what is closed now */
    cr_assert_eq(fcntl(ours, F_GETFD), -1);
    cr_assert_not(ut_ours_has(ours));
    cr_assert(promising(ends[0]));
    cr_assert_eq(ut_fd_nonblocking(ends[0]), 1);
}

/* All that the runtime makes for itself is its own: a program that closes everything must not. */
Test(fd, every_descriptor_of_the_runtime_is_known, .timeout = 30)
{
    bool before[4096];
    for (int fd = 0; fd < 4096; fd++)
        before[fd] = fcntl(fd, F_GETFD) != -1;
    start_with_pair();
    struct ut_coro *coro = start_receiving(ends[0]);
    for (int fd = 0; fd < 4096; fd++)
        cr_expect(before[fd] || fd == ends[0] || fd == ends[1] || ut_ours_has(fd) ||
                      fcntl(fd, F_GETFD) == -1,
                  "descriptor %d", fd);
    close_properly(ends[0]);
    result_of(coro);
}
