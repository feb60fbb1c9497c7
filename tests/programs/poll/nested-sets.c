/* SPDX-License-Identifier: MIT */
/* Threads wait for epoll sets that are nested as deep as they may be, and for many sets with one descriptor in
 * all of them; with a time-out, interrupted, cancelled. */
#include <signal.h>
#include <sys/epoll.h>

#include "check.h"

enum { DEPTH = 5, SETS = 150 };

static int sets[SETS], ends[2];
static pthread_barrier_t ready;
static int woken;
static volatile int timed_out, interrupted;

static void add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

static void *waits(void *set)
{
    struct epoll_event event;
    pthread_barrier_wait(&ready);
    int result = epoll_wait(*(int *)set, &event, 1, 10000);
    expect(result == 1 && event.events == EPOLLIN);
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void make_sets(int count)
{
    must_sys(pipe(ends));
    for (int i = 0; i < count; i++)
        sets[i] = (int)must_sys(epoll_create1(0));
}

static void close_all(int count)
{
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < count; i++)
        close(sets[i]);
}

static void wait_in(int threads, int step)
{
    pthread_t waiting[SETS];
    woken = 0;
    must(pthread_barrier_init(&ready, NULL, (unsigned)threads + 1));
    for (int i = 0; i < threads; i++)
        waiting[i] = start(waits, &sets[i * step]);
    pthread_barrier_wait(&ready);
    settle();
    must_sys(write(ends[1], "x", 1));
    join_many(waiting, threads);
    must(pthread_barrier_destroy(&ready));
    say("%d woken\n", woken);
}

static void *waits_in_vain(void *argument)
{
    struct epoll_event event;
    show_sys(epoll_wait(sets[0], &event, 1, 30));
    timed_out = 1;
    show_sys(epoll_wait(sets[0], &event, 1, 10000)); /* interrupted */
    interrupted = 1;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1); /* another one may be on its way */
    must(pthread_sigmask(SIG_BLOCK, &one, NULL));
    epoll_wait(sets[0], &event, 1, -1); /* cancelled */
    return argument;
}

static void ignore(int number)
{
    (void)number;
}

static void in_vain(void)
{
    struct sigaction action = {.sa_handler = ignore};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    pthread_t thread = start(waits_in_vain, NULL);
    while (!timed_out)
        settle();
    signal_until(thread, SIGUSR1, &interrupted);
    must(pthread_cancel(thread));
    say("cancelled %d\n", join(thread) == PTHREAD_CANCELED);
}

int main(void)
{
    make_sets(DEPTH);
    for (int i = 0; i + 1 < DEPTH; i++)
        add(sets[i], sets[i + 1]);
    add(sets[DEPTH - 1], ends[0]);
    in_vain();
    wait_in(DEPTH, 1);
    close_all(DEPTH);
    make_sets(SETS);
    for (int i = 0; i < SETS; i++)
        add(sets[i], ends[0]);
    wait_in(SETS, 1);
    close_all(SETS);
    return finished();
}
