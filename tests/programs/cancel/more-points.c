/* SPDX-License-Identifier: MIT */
/* The cancellation points of pthreads(7) that cancel/points has not: sockets, queues, signals, children, files,
 * timed locks, C11. Each is blocked when it is cancelled; clean-up handlers run, and the object works afterwards. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <threads.h>

#include "net.h"

static int ends[2], pipes[2], full[2], listening, locked, set, queue, full_queue;
static mqd_t empty_mq, full_mq;
static sem_t semaphore;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static mtx_t c11_lock;
static cnd_t c11_changed;
static pthread_t never_ends;
static thrd_t c11_never_ends;
static pid_t child;
static const struct timespec far_away = {1000000, 0};
static char block[65536];

static void on_socket(int which)
{
    char byte = 0;
    struct iovec part = {block, sizeof block};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    switch (which) {
    case 0: recvfrom(ends[0], &byte, 1, 0, NULL, NULL); break;
    case 1: recvmmsg(ends[0], &several, 1, 0, NULL); break;
    case 2: send(full[0], block, sizeof block, 0); break;
    case 3: sendto(full[0], block, sizeof block, 0, NULL, 0); break;
    case 4: sendmsg(full[0], &message, 0); break;
    case 5: writev(full[0], &part, 1); break;
    default: accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    }
}

static void on_readiness(int which)
{
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    struct epoll_event event;
    struct timespec limit = far_away;
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    switch (which) {
    case 7: pselect(pipes[0] + 1, &in, NULL, NULL, &limit, NULL); break;
    case 8: ppoll(&waits, 1, &limit, NULL); break;
    default: epoll_pwait(set, &event, 1, -1, NULL);
    }
}

static void on_queue(int which)
{
    struct message {
        long type;
        char text[16];
    } message = {.type = 1};
    char text[64] = "";
    struct timespec late = {2000000000, 0};
    switch (which) {
    case 10: msgrcv(queue, &message, sizeof message.text, 0, 0); break;
    case 11: msgsnd(full_queue, &message, sizeof message.text, 0); break;
    case 12: mq_receive(empty_mq, text, sizeof text, NULL); break;
    case 13: mq_timedreceive(empty_mq, text, sizeof text, NULL, &late); break;
    case 14: mq_send(full_mq, text, 1, 0); break;
    default: mq_timedsend(full_mq, text, 1, 0, &late);
    }
}

static void on_signal_or_child(int which)
{
    sigset_t usr1, none;
    siginfo_t info;
    int status;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    switch (which) {
    case 16: sigtimedwait(&usr1, &info, &far_away); break;
    case 17: sigwaitinfo(&usr1, &info); break;
    case 18: sigsuspend(&none); break;
    case 19: waitpid(child, &status, 0); break;
    case 20: wait(&status); break;
    case 21: waitid(P_PID, (id_t)child, &info, WEXITED); break;
    case 22: wait4(child, &status, 0, NULL); break;
    default: system("read nothing < fifo");
    }
}

static void on_file(int which)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    switch (which) {
    case 24: fcntl(locked, F_SETLKW, &whole); break;
    case 25: lockf(locked, F_LOCK, 0); break;
    case 26: openat(AT_FDCWD, "fifo", O_RDONLY); break;
    default: open("fifo", O_WRONLY);
    }
}

static void unlock(void *argument)
{
    pthread_mutex_unlock(argument);
}

static void unlock_c11(void *argument)
{
    mtx_unlock(argument);
}

static void on_lock(int which)
{
    struct timespec late = {2000000000, 0};
    switch (which) {
    case 28: sem_timedwait(&semaphore, &late); break;
    case 29: sem_clockwait(&semaphore, CLOCK_MONOTONIC, &late); break;
    case 30:
        pthread_mutex_lock(&lock);
        pthread_cleanup_push(unlock, &lock);
        pthread_cond_timedwait(&changed, &lock, &late);
        pthread_cleanup_pop(1);
        break;
    case 31:
        mtx_lock(&c11_lock);
        pthread_cleanup_push(unlock_c11, &c11_lock);
        cnd_wait(&c11_changed, &c11_lock);
        pthread_cleanup_pop(1);
        break;
    case 32: thrd_sleep(&far_away, NULL); break;
    case 33: thrd_join(c11_never_ends, NULL); break;
    case 34: pthread_timedjoin_np(never_ends, NULL, &late); break;
    default: pthread_clockjoin_np(never_ends, NULL, CLOCK_MONOTONIC, &late);
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
    if (which < 7)
        on_socket(which);
    else if (which < 10)
        on_readiness(which);
    else if (which < 16)
        on_queue(which);
    else if (which < 24)
        on_signal_or_child(which);
    else if (which < 28)
        on_file(which);
    else
        on_lock(which);
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

static int c11_waits_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        pause();
    return 0;
}

/* A child that holds the lock on the file and never ends. */
static void make_child(void)
{
    int ready[2];
    char byte;
    must_sys(pipe(ready));
    child = (pid_t)must_sys(fork());
    if (child == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        fcntl(locked, F_SETLK, &whole);
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    must_sys(read(ready[0], &byte, 1));
    close(ready[0]);
    close(ready[1]);
}

static void prepare_queues(void)
{
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};
    struct message {
        long type;
        char text[16];
    } message = {.type = 1};
    queue = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    full_queue = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    while (msgsnd(full_queue, &message, sizeof message.text, IPC_NOWAIT) == 0)
        ;
    snprintf(name, sizeof name, "/more-%d", (int)getpid());
    empty_mq = (mqd_t)must_sys(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes));
    must_sys(mq_unlink(name));
    full_mq = (mqd_t)must_sys(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes));
    must_sys(mq_unlink(name));
    must_sys(mq_send(full_mq, "x", 1, 0));
}

static void prepare(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, full));
    while (send(full[0], block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    must_sys(pipe(pipes));
    listening = listener(1);
    set = (int)must_sys(epoll_create1(0));
    locked = (int)must_sys(open("locked", O_RDWR | O_CREAT, 0600));
    must_sys(mkfifo("fifo", 0600));
    must_sys(sem_init(&semaphore, 0, 0));
    mtx_init(&c11_lock, mtx_plain);
    cnd_init(&c11_changed);
    prepare_queues();
    make_child();
    never_ends = start(waits_for_ever, NULL);
    thrd_create(&c11_never_ends, c11_waits_for_ever, NULL);
}

/* Nothing is left locked, queued or waiting in what the cancelled ones waited for. */
static void use_again(void)
{
    char byte;
    must_sys(write(ends[1], "x", 1));
    show_sys(read(ends[0], &byte, 1));
    must_sys(sem_post(&semaphore));
    show_sys(sem_trywait(&semaphore));
    show(pthread_mutex_trylock(&lock));
    say("%d\n", mtx_trylock(&c11_lock) == thrd_success);
    show_sys(mq_receive(full_mq, block, 64, NULL));
}

int main(void)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    prepare();
    for (int which = 0; which <= 35; which++) {
        say("call %d\n", which);
        pthread_t thread = start(blocks, (void *)(intptr_t)which);
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
    }
    use_again();
    must_sys(kill(child, SIGKILL));
    must_sys(waitpid(child, NULL, 0));
    must_sys(msgctl(queue, IPC_RMID, NULL));
    must_sys(msgctl(full_queue, IPC_RMID, NULL));
    unlink("locked");
    unlink("fifo");
    return finished();
}
