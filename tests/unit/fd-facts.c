/* SPDX-License-Identifier: MIT */
/* What the table of descriptors (runtime/fd.c) knows without a coroutine; fd.c tests the waiting. */
#include "fd.h"
#include "ours.h"

#include "clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

Test(fd_facts, absurd_numbers_are_refused)
{
    struct ut_fd_use use;
    cr_assert_not(ut_fd_use(&use, -1, UT_FD_READ));
    cr_assert_not(ut_fd_use(&use, INT32_MIN, UT_FD_READ));
    cr_assert_not(ut_fd_use(&use, INT32_MAX, UT_FD_READ));
    cr_assert(ut_fd_use(&use, 1024 * 1024 - 1, UT_FD_READ));
    cr_assert_eq(ut_fd_kind(-1), UT_FD_UNKNOWN);
    cr_assert_eq(ut_fd_kind(1024 * 1024 - 1), UT_FD_UNKNOWN);
    cr_assert_eq(ut_fd_nonblocking(-1), -EBADF);
    cr_assert_eq(ut_fd_timeout(-1, UT_FD_READ), UT_FOREVER);
    ut_fd_opened(-1, UT_FD_STREAM, true, true);
    ut_fd_closing(-1);
    ut_fd_shared(-1);
    ut_fd_set_timeout(-1, UT_FD_READ, 5);
    ut_fd_set_nonblocking(-1, true);
}

Test(fd_facts, kinds_are_found_out)
{
    int pipe_ends[2], stream[2], datagram[2];
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FILE *file = tmpfile();
    cr_assert_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, datagram), 0);
    cr_assert_eq(ut_fd_kind(pipe_ends[0]), UT_FD_PIPE);
    cr_assert_eq(ut_fd_kind(stream[0]), UT_FD_STREAM);
    cr_assert_eq(ut_fd_kind(datagram[0]), UT_FD_SOCKET);
    cr_assert_eq(ut_fd_kind(eventfd(0, EFD_CLOEXEC)), UT_FD_POLLABLE);
    cr_assert_eq(ut_fd_kind(fileno(file)), UT_FD_FILE);
    cr_assert_eq(ut_fd_kind(root), UT_FD_FILE);
    fclose(file);
}

Test(fd_facts, nonblocking_is_known_only_of_what_is_ours_alone)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    ut_fd_opened(ends[0], UT_FD_STREAM, true, true);
    ut_fd_opened(ends[1], UT_FD_STREAM, true, true);
    cr_assert_eq(ut_fd_nonblocking(ends[0]), 1);
    ut_fd_set_nonblocking(ends[0], false); /* the kernel thinks otherwise, so we see who is asked */
    cr_assert_eq(ut_fd_nonblocking(ends[0]), 0);
    ut_fd_shared(ends[0]);
    cr_assert_eq(ut_fd_nonblocking(ends[0]), 1);
    ut_fd_set_nonblocking(ends[1], false);
    ut_fd_fork_parent();
    cr_assert_eq(ut_fd_nonblocking(ends[1]), 1, "a child may have changed it");
    ut_fd_closing(ends[0]);
    close(ends[0]);
    cr_assert_eq(ut_fd_nonblocking(ends[0]), -EBADF);
}

Test(fd_facts, timeouts_are_remembered_and_found_out)
{
    struct timeval time = {.tv_sec = 2, .tv_usec = 500000};
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_READ), 2 * UT_SECOND + 500 * UT_MILLISECOND);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_WRITE), UT_FOREVER);
    ut_fd_set_timeout(pair[0], UT_FD_WRITE, UT_SECOND);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_WRITE), UT_SECOND);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_READ), 2 * UT_SECOND + 500 * UT_MILLISECOND);
    ut_fd_opened(pair[0], UT_FD_STREAM, true, false);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_READ), UT_FOREVER, "a new one has none");
}

/* Set before anything was asked: the other direction's is still the kernel's. */
Test(fd_facts, setting_one_timeout_first_does_not_hide_the_other)
{
    struct timeval time = {.tv_sec = 3};
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
    ut_fd_set_timeout(pair[0], UT_FD_WRITE, 3 * UT_SECOND);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_READ), 3 * UT_SECOND);
    cr_assert_eq(ut_fd_timeout(pair[0], UT_FD_WRITE), 3 * UT_SECOND);
}

/* Our own */

Test(fd_facts, our_own_sit_high_and_are_known)
{
    int low = open("/dev/null", O_RDONLY), kept = ut_ours_keep(low);
    int other = ut_ours_keep(open("/dev/null", O_RDONLY));
    cr_assert_geq(kept, 900, "but the kernel's table of descriptors need not grow for it");
    cr_assert_lt(kept, 1024);
    cr_assert_eq(fcntl(low, F_GETFD), -1);
    cr_assert(fcntl(kept, F_GETFD) & FD_CLOEXEC);
    cr_assert(ut_ours_has(kept));
    cr_assert(ut_ours_has(other));
    cr_assert_not(ut_ours_has(low));
    cr_assert_not(ut_ours_has(-1));
    cr_assert_not(ut_ours_has(other + 1));
    cr_assert_eq(ut_ours_keep(-EMFILE), -EMFILE);
}

Test(fd_facts, our_own_fit_under_a_low_limit)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < 4; i++) {
        int kept = ut_ours_keep(eventfd(0, 0));
        cr_assert_geq(kept, 56);
        cr_assert_lt(kept, 64);
        cr_assert(ut_ours_has(kept));
    }
    for (int i = 0; i < 4; i++) { /* no room up there: it stays where it is */
        int kept = ut_ours_keep(eventfd(0, 0));
        cr_assert_geq(kept, 0);
        cr_assert(ut_ours_has(kept));
    }
}

struct separated {
    int ours, also, theirs; /* descriptors; then what fcntl says of them over there */
    int result;
};

static void *separate(void *opaque)
{
    struct separated *it = opaque;
    it->result = ut_ours_separate(it->also);
    it->ours = fcntl(it->ours, F_GETFD);
    it->also = fcntl(it->also, F_GETFD);
    it->theirs = fcntl(it->theirs, F_GETFD);
    return NULL;
}

/* What a thread with its own table still has; the others' descriptors are as before. */
Test(fd_facts, a_thread_can_have_a_table_of_its_own)
{
    pthread_t thread;
    int theirs = open("/dev/null", O_RDONLY);
    int kept = ut_ours_keep(eventfd(0, EFD_CLOEXEC)), also = open("/dev/null", O_RDONLY);
    struct separated it = {.ours = kept, .also = also, .theirs = theirs};
    pthread_create(&thread, NULL, separate, &it);
    pthread_join(thread, NULL);
    if (it.result == -ENOSYS)
        cr_skip_test("no close_range(2)");
    cr_assert_eq(it.result, 0);
    cr_assert_geq(it.ours, 0);
    cr_assert_geq(it.also, 0);
    cr_assert_eq(it.theirs, -1);
    cr_assert_geq(fcntl(theirs, F_GETFD), 0);
    cr_assert_geq(fcntl(kept, F_GETFD), 0);
}
