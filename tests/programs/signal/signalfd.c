/* SPDX-License-Identifier: MIT */
/* signalfd: several signals in one read, those directed at the reading thread, what poll and epoll say, a changed
 * mask, O_NONBLOCK, a short buffer, a duplicate. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/uio.h>

#include "check.h"

static sigset_t both;
static pthread_barrier_t step;

static bool is_ready(int fd, int timeout)
{
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    return poll(&waits, 1, timeout) == 1 && waits.revents == POLLIN;
}

static void show_read(int fd)
{
    struct signalfd_siginfo info[4];
    ssize_t got = read(fd, info, sizeof info);
    say("read %zd:", got < 0 ? got : got / (ssize_t)sizeof *info);
    for (int i = 0; i < got / (ssize_t)sizeof *info; i++)
        say(" %s", info[i].ssi_signo == SIGUSR1 ? "USR1" : info[i].ssi_signo == SIGUSR2 ? "USR2" : "other");
    say(" %s\n", got < 0 ? error_name(errno) : "");
}

static void *reads(void *argument)
{
    int fd = (int)must_sys(signalfd(-1, &both, SFD_CLOEXEC | SFD_NONBLOCK)), copy = dup(fd);
    char small[8];
    show_read(fd);
    struct iovec parts[2] = {{small, 0}, {small, 0}};
    show_sys(readv(fd, parts, 1));
    show_sys(readv(fd, parts, 2));
    say("ready %d\n", is_ready(fd, 0));
    must(pthread_kill(pthread_self(), SIGUSR1));
    must_sys(kill(getpid(), SIGUSR2));
    say("ready %d\n", is_ready(fd, 0));
    show_sys(read(fd, small, sizeof small));
    show_read(copy);
    show_read(fd);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    must_sys(signalfd(fd, &one, 0));
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("ready %d\n", is_ready(fd, 0));
    show_read(fd);
    must_sys(signalfd(fd, &both, 0));
    say("ready %d\n", is_ready(fd, -1));
    show_read(fd);
    show_sys(signalfd(-1, &both, 0x4000000));
    show_sys(signalfd(0, &both, 0));
    show_sys(signalfd(999, &both, 0));
    close(fd);
    close(copy);
    return argument;
}

/* Each is sent while the thread waits for it. */
static void *waits(void *argument)
{
    int fd = (int)must_sys(signalfd(-1, &both, SFD_CLOEXEC)), set = (int)must_sys(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    for (int i = 0; i < 6; i++) {
        pthread_barrier_wait(&step);
        if (i % 3 == 1)
            expect(is_ready(fd, -1));
        if (i % 3 == 2)
            show_sys(epoll_wait(set, &event, 1, -1));
        show_read(fd);
    }
    close(fd);
    close(set);
    return argument;
}

int main(void)
{
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    must(pthread_sigmask(SIG_BLOCK, &both, NULL));
    must(pthread_barrier_init(&step, NULL, 2));
    join(start(reads, NULL));
    pthread_t thread = start(waits, NULL);
    for (int i = 0; i < 6; i++) {
        pthread_barrier_wait(&step);
        settle();
        if (i < 3)
            must_sys(kill(getpid(), SIGUSR1));
        else
            must(pthread_kill(thread, SIGUSR2));
    }
    join(thread);
    return finished();
}
