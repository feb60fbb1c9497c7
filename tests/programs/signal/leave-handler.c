/* SPDX-License-Identifier: MIT */
/* siglongjmp out of a handler that has interrupted a call that waits: the thread goes on from there, with its
 * mask as saved, the calls work again afterwards, and nothing of the interrupted one is left behind. */
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "net.h"

enum { THREADS = 8, WAYS = 9 };

static __thread sigjmp_buf out;
static __thread volatile sig_atomic_t armed;

static void leave(int number)
{
    (void)number;
    if (armed) {
        armed = 0;
        siglongjmp(out, 1);
    }
}

static void wait_somehow(int way, const int *ends, int set)
{
    char byte;
    struct pollfd waits = {.fd = ends[0], .events = POLLIN};
    struct epoll_event event;
    struct timespec far = {1000, 0};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    errno = 0;
    switch (way) {
    case 0: read(ends[0], &byte, 1); break;
    case 1: recv(ends[0], &byte, 1, 0); break;
    case 2: poll(&waits, 1, -1); break;
    case 3: select(ends[0] + 1, &in, NULL, NULL, NULL); break;
    case 4: epoll_wait(set, &event, 1, -1); break;
    case 5: nanosleep(&far, NULL); break;
    case 6: pause(); break;
    case 7: clock_nanosleep(CLOCK_MONOTONIC, 0, &far, NULL); break;
    default: sleep(1000);
    }
    say("way %d: not reached, %s\n", way, error_name(errno));
}

static sem_t about_to_wait;

static void *is_thrown_out(void *argument)
{
    int ends[2], set = (int)must_sys(epoll_create1(0));
    char byte;
    sigset_t mask;
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    for (int way = 0; way < WAYS; way++) {
        if (sigsetjmp(out, 1) == 0) {
            armed = 1;
            sem_post(&about_to_wait);
            wait_somehow(way, ends, set);
        }
        must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
        expect(!sigismember(&mask, SIGUSR1));
        must_sys(write(ends[1], "x", 1));
        expect(read(ends[0], &byte, 1) == 1);
    }
    close(ends[0]);
    close(ends[1]);
    close(set);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(sem_init(&about_to_wait, 0, 0));
    signal(SIGUSR1, leave);
    start_many(threads, THREADS, is_thrown_out);
    for (int way = 0; way < WAYS; way++) {
        for (int i = 0; i < THREADS; i++)
            must_sys(sem_wait(&about_to_wait));
        if (way % 2)
            settle();
        for (int i = 0; i < THREADS; i++)
            must(pthread_kill(threads[i], SIGUSR1));
    }
    join_many(threads, THREADS);
    return finished();
}
