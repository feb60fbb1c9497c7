/* SPDX-License-Identifier: MIT */
/* A handled signal to a thread that blocks: which calls return EINTR, and which go on with
 * SA_RESTART. As signal(7) lists them; the handler runs on the thread in any case. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "net.h"

static int ends[2], pipes[2], full[2], listening, timed[2], epoll_set;
static sem_t semaphore;
static pthread_t target;
static volatile sig_atomic_t handled, on_wrong_thread;
static int done;

static void handle(int number)
{
    (void)number;
    handled++;
    if (!pthread_equal(target, pthread_self()))
        on_wrong_thread++;
}

static long call_read(void)
{
    char byte;
    return read(pipes[0], &byte, 1);
}

static long call_recv(void)
{
    char byte;
    return recv(ends[0], &byte, 1, 0);
}

static long call_recv_timed(void)
{
    char byte;
    return recv(timed[0], &byte, 1, 0);
}

static long call_accept(void)
{
    int fd = accept(listening, NULL, NULL);
    return fd == -1 ? -1 : close(fd);
}

static long call_write(void)
{
    return write(full[1], "x", 1);
}

static long call_poll(void)
{
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    return poll(&waits, 1, -1);
}

static long call_select(void)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    return select(pipes[0] + 1, &in, NULL, NULL, NULL);
}

static long call_epoll_wait(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_set, &event, 1, -1);
}

static long call_sem_wait(void)
{
    return sem_wait(&semaphore);
}

static long call_sem_timedwait(void)
{
    struct timespec late = deadline_on(CLOCK_REALTIME, 100000);
    return sem_timedwait(&semaphore, &late);
}

static long call_nanosleep(void)
{
    struct timespec pause = {1000, 0}, rest = {0, 0};
    long result = nanosleep(&pause, &rest);
    int error = errno;
    expect(rest.tv_sec >= 900 && rest.tv_sec <= 1000);
    errno = error;
    return result;
}

static long call_clock_nanosleep(void)
{
    struct timespec until = deadline_on(CLOCK_MONOTONIC, 1000000);
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    return -1;
}

static long call_sleep(void)
{
    return sleep(1000) >= 900;
}

static long call_usleep(void)
{
    return usleep(900000000);
}

static long call_pause(void)
{
    return pause();
}

static long call_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}

static void release_read(void)
{
    must_sys(write(pipes[1], "x", 1));
}

static void release_recv(void)
{
    must_sys(write(ends[1], "x", 1));
}

static void release_accept(void)
{
    close(connected_to(listening));
}

static void release_write(void)
{
    char block[65536];
    must_sys(read(full[0], block, sizeof block));
}

static void release_sem(void)
{
    must_sys(sem_post(&semaphore));
}

/* Without a release a call is interrupted always, with one it restarts under SA_RESTART. */
static const struct blocking {
    const char *name;
    long (*call)(void);
    void (*release)(void);
} table[] = {
    {"read", call_read, release_read},
    {"recv", call_recv, release_recv},
    {"accept", call_accept, release_accept},
    {"write", call_write, release_write},
    {"sem_wait", call_sem_wait, release_sem},
    {"sem_timedwait", call_sem_timedwait, NULL},
    {"recv with SO_RCVTIMEO", call_recv_timed, NULL},
    {"poll", call_poll, NULL},
    {"select", call_select, NULL},
    {"epoll_wait", call_epoll_wait, NULL},
    {"nanosleep", call_nanosleep, NULL},
    {"clock_nanosleep", call_clock_nanosleep, NULL},
    {"sleep", call_sleep, NULL},
    {"usleep", call_usleep, NULL},
    {"pause", call_pause, NULL},
    {"sigsuspend", call_sigsuspend, NULL},
};

static void *blocks(void *argument)
{
    const struct blocking *which = argument;
    errno = 0;
    show_result(which->name, which->call());
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void fill(void)
{
    char block[4096] = {0};
    must_sys(fcntl(full[1], F_SETFL, O_NONBLOCK));
    while (write(full[1], block, sizeof block) > 0)
        ;
    must_sys(fcntl(full[1], F_SETFL, 0));
}

/* Sends signals until the call returned, or, where it is to restart, often enough to have hit it;
 * whether a signal comes before the call or during it makes no difference that way. */
static void try(const struct blocking *which, bool restarts)
{
    fill();
    handled = 0;
    __atomic_store_n(&done, 0, __ATOMIC_SEQ_CST);
    target = start(blocks, (void *)which);
    for (int i = 0; !__atomic_load_n(&done, __ATOMIC_SEQ_CST) && (!restarts || i < 15); i++) {
        must(pthread_kill(target, SIGUSR1));
        usleep(1000);
    }
    if (restarts) {
        expect(!__atomic_load_n(&done, __ATOMIC_SEQ_CST));
        which->release();
    }
    join(target);
    expect(handled > 0 && on_wrong_thread == 0);
}

int main(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, timed));
    set_timeout(timed[0], SO_RCVTIMEO, 100000);
    must_sys(pipe(pipes));
    must_sys(pipe(full));
    listening = listener(5);
    epoll_set = (int)must_sys(epoll_create1(0));
    must_sys(epoll_ctl(epoll_set, EPOLL_CTL_ADD, pipes[0], &event));
    must_sys(sem_init(&semaphore, 0, 0));
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction action = {.sa_handler = handle, .sa_flags = restart ? SA_RESTART : 0};
        must_sys(sigaction(SIGUSR1, &action, NULL));
        say("%s\n", restart ? "SA_RESTART" : "no SA_RESTART");
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            try(&table[i], restart && table[i].release);
    }
    return finished();
}
