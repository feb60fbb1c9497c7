/* SPDX-License-Identifier: MIT */
/* Real-time signals are queued: none is lost, values in order, lower numbers first; ordinary ones are not.
 * Directed at a thread and at the process; taken by a handler, by sigwaitinfo, by signalfd. */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "check.h"

enum { COUNT = 20 };

static pthread_barrier_t step;
static volatile int order[8 * COUNT], received;

static void handle(int number, siginfo_t *info, void *context)
{
    (void)context;
    order[received++] = (number - SIGRTMIN) * 1000 + info->si_value.sival_int;
}

static void block_all(int how)
{
    sigset_t set;
    sigfillset(&set);
    must(pthread_sigmask(how, &set, NULL));
}

static void show_order(const char *what)
{
    bool sorted = true;
    for (int i = 1; i < received; i++)
        sorted &= order[i - 1] < order[i];
    say("%s: %d, in order %d\n", what, received, sorted);
    received = 0;
}

static void *takes_by_handler(void *argument)
{
    for (int round = 0; round < 2; round++) {
        pthread_barrier_wait(&step);
        pthread_barrier_wait(&step);
        block_all(SIG_UNBLOCK);
        block_all(SIG_BLOCK);
        show_order(round ? "handler, process" : "handler, thread");
    }
    return argument;
}

static void *takes_by_waiting(void *argument)
{
    sigset_t set;
    siginfo_t info;
    sigfillset(&set);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    for (struct timespec none = {0, 0}; sigtimedwait(&set, &info, &none) > 0;) {
        expect(info.si_code == SI_QUEUE && info.si_pid == getpid());
        order[received++] = (info.si_signo - SIGRTMIN) * 1000 + info.si_value.sival_int;
    }
    show_order("sigtimedwait");
    return argument;
}

static void *takes_by_descriptor(void *argument)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigfillset(&set);
    int fd = (int)must_sys(signalfd(-1, &set, SFD_NONBLOCK));
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    while (read(fd, &info, sizeof info) == sizeof info)
        order[received++] = ((int)info.ssi_signo - SIGRTMIN) * 1000 + info.ssi_int;
    show_order("signalfd");
    close(fd);
    return argument;
}

/* Higher ones first, so that the order is the kernel's and not ours. */
static void send_all(pthread_t thread, bool process)
{
    for (int number = SIGRTMIN + 3; number >= SIGRTMIN + 1; number--)
        for (int i = 0; i < COUNT; i++) {
            union sigval value = {.sival_int = i};
            if (process)
                must_sys(sigqueue(getpid(), number, value));
            else
                must(pthread_sigqueue(thread, number, value));
        }
}

static void *counts(void *argument)
{
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    block_all(SIG_UNBLOCK);
    block_all(SIG_BLOCK);
    say("ordinary: %d\n", received);
    received = 0;
    return argument;
}

static void with(void *(*routine)(void *), bool process)
{
    pthread_t thread = start(routine, NULL);
    pthread_barrier_wait(&step);
    send_all(thread, process);
    pthread_barrier_wait(&step);
    if (routine == takes_by_handler) {
        pthread_barrier_wait(&step);
        send_all(thread, true);
        pthread_barrier_wait(&step);
    }
    join(thread);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    for (int number = SIGRTMIN + 1; number <= SIGRTMIN + 3; number++)
        must_sys(sigaction(number, &action, NULL));
    must_sys(sigaction(SIGUSR2, &action, NULL));
    must(pthread_barrier_init(&step, NULL, 2));
    block_all(SIG_BLOCK);
    with(takes_by_handler, false);
    with(takes_by_waiting, false);
    with(takes_by_waiting, true);
    with(takes_by_descriptor, false);
    with(takes_by_descriptor, true);
    pthread_t thread = start(counts, NULL);
    pthread_barrier_wait(&step);
    for (int i = 0; i < COUNT; i++)
        must(pthread_kill(thread, SIGUSR2));
    pthread_barrier_wait(&step);
    join(thread);
    return finished();
}
