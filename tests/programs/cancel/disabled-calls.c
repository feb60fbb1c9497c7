/* SPDX-License-Identifier: MIT */
/* Cancelled with cancellation disabled, while blocked in each of many calls: it goes on waiting,
 * gets what it waited for, and nothing is interrupted; it ends when cancellation is enabled. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "net.h"

static int pipes[2], ends[2], listening, set, full[2];
static sem_t semaphore;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t target;
static bool go, is_enabled;
static pid_t child;
static char byte;

static long in_read(void)
{
    return read(pipes[0], &byte, 1);
}
static long in_recv(void)
{
    return recv(ends[0], &byte, 1, 0);
}
static long in_accept(void)
{
    return accept(listening, NULL, NULL) >= 0;
}
static long in_poll(void)
{
    return poll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, -1);
}
static long in_epoll_wait(void)
{
    return epoll_wait(set, &(struct epoll_event){0}, 1, -1);
}
static long in_sem_wait(void)
{
    return sem_wait(&semaphore);
}
static long in_waitpid(void)
{
    return waitpid(child, NULL, 0) == child;
}
static long in_wait(void)
{
    return wait(NULL) == child;
}
static long in_open(void)
{
    return open("fifo", O_RDONLY) >= 0;
}
static long in_usleep(void)
{
    return usleep(60000);
}

static long in_ppoll(void)
{
    sigset_t none;
    sigemptyset(&none);
    return ppoll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, NULL, &none);
}

static long in_write(void)
{
    char block[4096] = {0};
    return write(full[1], block, sizeof block);
}

static long in_select(void)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    return select(pipes[0] + 1, &in, NULL, NULL, NULL);
}

static long in_cond_wait(void)
{
    must(pthread_mutex_lock(&lock));
    while (!go)
        must(pthread_cond_wait(&changed, &lock));
    go = false;
    return pthread_mutex_unlock(&lock);
}

static long in_join(void)
{
    return pthread_join(target, NULL);
}

static long in_sigwait(void)
{
    sigset_t usr1;
    int number = 0;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(sigwait(&usr1, &number));
    return number == SIGUSR1;
}

static void nothing(void)
{
}
static void write_byte(void)
{
    must_sys(write(pipes[1], "x", 1));
}
static void send_byte(void)
{
    must_sys(send(ends[1], "x", 1, 0));
}
static void connect_it(void)
{
    connected_to(listening);
}
static void post(void)
{
    must_sys(sem_post(&semaphore));
}
static void end_child(void)
{
    must_sys(kill(child, SIGKILL));
}
static void open_it(void)
{
    must_sys(open("fifo", O_WRONLY));
}
static void send_signal(void)
{
    must_sys(kill(getpid(), SIGUSR1));
}
static void make_room(void)
{
    char block[4096];
    must_sys(read(full[0], block, sizeof block));
}

static void let_go(void)
{
    must(pthread_mutex_lock(&lock));
    go = true;
    must(pthread_cond_broadcast(&changed));
    must(pthread_mutex_unlock(&lock));
}

static const struct {
    const char *name;
    long (*block)(void);
    void (*wake)(void);
    bool leaves_byte;
} calls[] = {
    {"read", in_read, write_byte, false},     {"recv", in_recv, send_byte, false},
    {"accept", in_accept, connect_it, false}, {"poll", in_poll, write_byte, true},
    {"ppoll", in_ppoll, write_byte, true},    {"select", in_select, write_byte, true},
    {"write", in_write, make_room, false},    {"epoll_wait", in_epoll_wait, write_byte, true},
    {"sem_wait", in_sem_wait, post, false},   {"cond_wait", in_cond_wait, let_go, false},
    {"usleep", in_usleep, nothing, false},    {"waitpid", in_waitpid, end_child, false},
    {"wait", in_wait, end_child, false},      {"open", in_open, open_it, false},
    {"join", in_join, let_go, false},         {"sigwait", in_sigwait, send_signal, false},
};

static void *routine(void *argument)
{
    int i = index_of(argument);
    must(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
    say("%s -> %ld\n", calls[i].name, calls[i].block());
    is_enabled = true;
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL));
    pthread_testcancel();
    say("not reached\n");
    return NULL;
}

static void *waits_for_go(void *argument)
{
    in_cond_wait();
    return argument;
}

static void fill(int fd)
{
    char block[4096] = {0};
    must_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
    while (write(fd, block, sizeof block) > 0)
        ;
    must_sys(fcntl(fd, F_SETFL, 0));
}

int main(void)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    must_sys(pipe(pipes));
    must_sys(pipe(full));
    fill(full[1]);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    listening = listener(5);
    set = (int)must_sys(epoll_create1(0));
    must_sys(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &(struct epoll_event){.events = EPOLLIN}));
    must_sys(sem_init(&semaphore, 0, 0));
    must_sys(mkfifo("fifo", 0600));
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++) {
        if (calls[i].wake == end_child)
            child = child_that_waits();
        if (calls[i].block == in_join)
            target = start(waits_for_go, NULL);
        is_enabled = false;
        pthread_t thread = start(routine, (void *)(intptr_t)i);
        settle();
        must(pthread_cancel(thread));
        settle();
        calls[i].wake();
        expect(join(thread) == PTHREAD_CANCELED && is_enabled);
        if (calls[i].leaves_byte)
            must_sys(read(pipes[0], &byte, 1));
    }
    return finished();
}
