/* SPDX-License-Identifier: MIT */
/* A handler that makes blocking calls itself: what it has interrupted ends with EINTR, or goes on, all the same. */
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>

#include "check.h"

static sem_t never, handled;
static int ends[2], sockets[2];
static volatile int returned;

static void handle(int number)
{
    struct pollfd none = {-1, 0, 0};
    struct timespec moment = {0, MILLISECOND};
    (void)number;
    nanosleep(&moment, NULL);
    poll(&none, 1, 1);
    sem_post(&handled);
}

static const char *const calls[] = {"sem_wait", "sem_timedwait", "nanosleep", "poll", "read", "recv", "sigsuspend"};

enum { CALLS = sizeof calls / sizeof *calls, READ = 4, RECV = 5, SEM_WAIT = 0 };

static long make(int which)
{
    struct timespec later = deadline_on(CLOCK_REALTIME, 20000), long_time = {20, 0};
    struct pollfd one = {ends[0], POLLIN, 0};
    sigset_t none;
    char byte;
    sigemptyset(&none);
    switch (which) {
    case 0:
        return sem_wait(&never);
    case 1:
        return sem_timedwait(&never, &later);
    case 2:
        return nanosleep(&long_time, NULL);
    case 3:
        return poll(&one, 1, -1);
    case 4:
        return read(ends[0], &byte, 1);
    case 5:
        return recv(sockets[0], &byte, 1, 0);
    default:
        return sigsuspend(&none);
    }
}

static void *calls_it(void *argument)
{
    int which = index_of(argument);
    long result = make(which);
    int error = errno;
    returned = 1;
    say("%s: %ld %s\n", calls[which], result, result < 0 ? error_name(error) : "");
    return NULL;
}

static void try_all(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    for (int which = 0; which < CALLS; which++) {
        bool restarts = flags && (which == READ || which == RECV || which == SEM_WAIT);
        returned = 0;
        pthread_t thread = start(calls_it, (void *)(intptr_t)which);
        settle();
        if (!restarts)
            signal_until(thread, SIGUSR1, &returned);
        while (sem_trywait(&handled) == 0)
            ;
        for (int i = 0; restarts && i < 3; i++) {
            must(pthread_kill(thread, SIGUSR1));
            while (sem_wait(&handled))
                ;
        }
        if (flags && which == SEM_WAIT)
            must_sys(sem_post(&never));
        if (flags && which == READ)
            must_sys(write(ends[1], "x", 1));
        if (flags && which == RECV)
            must_sys(write(sockets[1], "x", 1));
        join(thread);
    }
}

int main(void)
{
    sem_init(&never, 0, 0);
    sem_init(&handled, 0, 0);
    must_sys(pipe(ends));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    try_all(0);
    try_all(SA_RESTART);
    return finished();
}
