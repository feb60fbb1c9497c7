/* SPDX-License-Identifier: MIT */
/* syscall(): unknown numbers, ids, blocking calls by number, tgkill, results and errno. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "check.h"

static int ends[2];
static volatile sig_atomic_t handled;

static void handle(int number)
{
    (void)number;
    handled++;
}

static void *reads(void *argument)
{
    char byte;
    show_sys(syscall(SYS_read, ends[0], &byte, 1));
    show_sys(syscall(SYS_recvfrom, ends[0], &byte, 1, 0, NULL, NULL));
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    struct timespec forever = {1000, 0};
    show_sys(syscall(SYS_ppoll, &waits, 1, &forever, NULL, 8));
    return argument;
}

static void *routine(void *argument)
{
    errno = 0;
    show_sys(syscall(100000));
    show_sys(syscall(-1L));
    expect(syscall(SYS_gettid) == gettid());
    expect(syscall(SYS_getpid) == getpid());
    struct timespec thirty = {0, 30 * MILLISECOND};
    int64_t begin = now_ns();
    show_sys(syscall(SYS_nanosleep, &thirty, NULL));
    say("%s\n", elapsed_word(begin, 30));
    show_sys(syscall(SYS_sched_yield));
    show_sys(syscall(SYS_read, -1, NULL, 0));
    show_sys(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
    say("handled %d\n", handled);
    handled = 0;
    char random[16];
    show_sys(syscall(SYS_getrandom, random, sizeof random, 0));
    show_sys(syscall(SYS_write, 19999, "x", 1));
    return argument;
}

int main(void)
{
    signal(SIGUSR1, handle);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    routine(NULL);
    join(start(routine, NULL));
    pthread_t thread = start(reads, NULL);
    for (int i = 0; i < 3; i++) {
        settle();
        must_sys(syscall(SYS_write, ends[1], "x", 1));
    }
    join(thread);
    return finished();
}
