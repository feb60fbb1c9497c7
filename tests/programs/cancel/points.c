/* SPDX-License-Identifier: MIT */
/* Deferred cancellation at every blocking call: PTHREAD_CANCELED, clean-up handlers in order,
 * the mutex of a condition wait held again in its handler. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "net.h"

static int ends[2], pipes[2], full[2], listening;
static sem_t semaphore;
static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t never_ends;
static const struct timespec far = {1 << 30, 0};

static void unlock(void *argument)
{
    int error = pthread_mutex_unlock(argument);
    say("mutex held in handler: %s\n", error_name(error));
}

static void wait_for_condition(bool timed)
{
    must(pthread_mutex_lock(&lock));
    pthread_cleanup_push(unlock, &lock);
    for (;;) {
        if (timed)
            pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &far);
        else
            pthread_cond_wait(&changed, &lock);
    }
    pthread_cleanup_pop(1);
}

static void block_in_descriptor_call(int which)
{
    char byte;
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct epoll_event event;
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    switch (which) {
    case 0: read(pipes[0], &byte, 1); break;
    case 1: recv(ends[0], &byte, 1, 0); break;
    case 2: recvmsg(ends[0], &message, 0); break;
    case 3: accept(listening, NULL, NULL); break;
    case 4: write(full[1], &byte, 1); break;
    case 5: poll(&waits, 1, -1); break;
    case 6: select(pipes[0] + 1, &in, NULL, NULL, NULL); break;
    case 7: readv(pipes[0], &part, 1); break;
    case 8: epoll_wait(epoll_create1(EPOLL_CLOEXEC), &event, 1, -1); break;
    default: open("fifo-nobody-opens", O_RDONLY);
    }
}

static void block_in_other_call(int which)
{
    struct timespec long_time = {100000, 0};
    sigset_t usr1;
    int number;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    switch (which) {
    case 10: wait_for_condition(false); break;
    case 11: wait_for_condition(true); break;
    case 12: sem_wait(&semaphore); break;
    case 13: nanosleep(&long_time, NULL); break;
    case 14: sleep(100000); break;
    case 15: pause(); break;
    case 16: pthread_join(never_ends, NULL); break;
    case 17: sigwait(&usr1, &number); break;
    case 18: usleep(2000000000); break;
    case 19: clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &far, NULL); break;
    default:
        for (;;) {
            pthread_testcancel();
            sched_yield();
        }
    }
}

static void clean_up(void *argument)
{
    say("clean-up %d\n", index_of(argument));
}

static void *blocks(void *argument)
{
    int which = index_of(argument);
    pthread_cleanup_push(clean_up, (void *)1);
    pthread_cleanup_push(clean_up, (void *)2);
    if (which < 10)
        block_in_descriptor_call(which);
    else
        block_in_other_call(which);
    say("call %d came back: %s\n", which, error_name(errno));
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *waits_for_ever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

int main(void)
{
    char block[4096] = {0};
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(pipe(pipes));
    must_sys(pipe(full));
    must_sys(mkfifo("fifo-nobody-opens", 0600));
    must_sys(fcntl(full[1], F_SETFL, O_NONBLOCK));
    while (write(full[1], block, sizeof block) > 0)
        ;
    must_sys(fcntl(full[1], F_SETFL, 0));
    listening = listener(1);
    must_sys(sem_init(&semaphore, 0, 0));
    never_ends = start(waits_for_ever, NULL);
    for (int which = 0; which <= 20; which++) {
        say("call %d\n", which);
        pthread_t thread = start(blocks, (void *)(intptr_t)which);
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
    }
    unlink("fifo-nobody-opens");
    must(pthread_cancel(never_ends));
    expect(join(never_ends) == PTHREAD_CANCELED);
    return finished();
}
