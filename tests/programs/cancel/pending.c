/* SPDX-License-Identifier: MIT */
/* A cancellation that is pending when a thread makes a call: points act at once, even where the call would not
 * have waited, and have done nothing then; calls that are no points are made. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "net.h"

static int file, ends[2], pipes[2], set, made[2];
static sem_t semaphore;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;

enum { POINTS = 24, OTHERS = 16 };

static void make_point(int which)
{
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct timespec none = {0, 0};
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    struct epoll_event event;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    switch (which) {
    case 0: read(pipes[0], &byte, 1); break;
    case 1: write(pipes[1], &byte, 1); break;
    case 2: readv(pipes[0], &part, 1); break;
    case 3: writev(pipes[1], &part, 1); break;
    case 4: recv(ends[0], &byte, 1, 0); break;
    case 5: send(ends[1], &byte, 1, 0); break;
    case 6: pread(file, &byte, 1, 0); break;
    case 7: pwrite(file, &byte, 1, 0); break;
    case 8: fsync(file); break;
    case 9: close(made[0]); break;
    case 10: open("pending", O_RDONLY); break;
    case 11: creat("pending-2", 0600); break;
    case 12: sem_wait(&semaphore); break;
    case 13: nanosleep(&none, NULL); break;
    case 14: usleep(0); break;
    case 15: sleep(0); break;
    case 16: poll(&waits, 1, 0); break;
    case 17: { struct timeval now = {0, 0}; select(pipes[0] + 1, &in, NULL, NULL, &now); break; }
    case 18: epoll_wait(set, &event, 1, 0); break;
    case 19: fcntl(file, F_SETLKW, &whole); break;
    case 20: waitpid(-1, NULL, WNOHANG); break;
    case 21: pthread_testcancel(); break;
    case 22: fdatasync(file); break;
    default: clock_nanosleep(CLOCK_MONOTONIC, 0, &none, NULL);
    }
}

static void make_other(int which)
{
    int two[2];
    sigset_t set_;
    switch (which) {
    case 0: must(pthread_mutex_lock(&lock)); pthread_mutex_unlock(&lock); break;
    case 1: must(pthread_rwlock_rdlock(&rwlock)); pthread_rwlock_unlock(&rwlock); break;
    case 2: must_sys(sem_post(&semaphore)); break;
    case 3: must(pthread_cond_signal(&changed)); break;
    case 4: expect(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD); break;
    case 5: must_sys(pipe(two)); break;
    case 6: must_sys(dup(file)); break;
    case 7: must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, two)); break;
    case 8: must_sys(sched_yield()); break;
    case 9: must(pthread_sigmask(SIG_BLOCK, NULL, &set_)); break;
    case 10: must_sys(fcntl(file, F_GETFL)); break;
    case 11: must(pthread_kill(pthread_self(), 0)); break;
    case 12: free(malloc(100)); break;
    case 13: must_sys(lseek(file, 0, SEEK_SET)); break;
    case 14: must_sys(getsockname(ends[0], (struct sockaddr *)&(struct sockaddr_un){0}, &(socklen_t){0})); break;
    default: must_sys(sem_trywait(&semaphore));
    }
}

static volatile bool acted_late;

static void *has_it_pending(void *argument)
{
    int which = index_of(argument);
    must(pthread_cancel(pthread_self()));
    if (which < POINTS)
        make_point(which);
    else
        make_other(which - POINTS);
    acted_late = true;
    pthread_testcancel();
    return NULL;
}

int main(void)
{
    char byte;
    int value;
    file = (int)must_sys(open("pending", O_RDWR | O_CREAT, 0600));
    must_sys(pwrite(file, "old", 3, 0));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(pipe(pipes));
    must_sys(pipe(made));
    must_sys(write(pipes[1], "p", 1));
    must_sys(write(ends[1], "p", 1));
    set = (int)must_sys(epoll_create1(0));
    must_sys(sem_init(&semaphore, 0, 1));
    must(pthread_barrier_init(&barrier, NULL, 1));
    for (int which = 0; which < POINTS + OTHERS; which++) {
        acted_late = false;
        expect(join(start(has_it_pending, (void *)(intptr_t)which)) == PTHREAD_CANCELED);
        say("%s %d: %s\n", which < POINTS ? "point" : "other", which, acted_late ? "went on" : "at once");
    }
    /* Nothing has been done by the points. */
    must_sys(fcntl(pipes[0], F_SETFL, O_NONBLOCK));
    must_sys(read(pipes[0], &byte, 1));
    show_sys(read(pipes[0], &byte, 1));
    must_sys(pread(file, &byte, 1, 0));
    must_sys(sem_getvalue(&semaphore, &value));
    say("%c, value %d, open %d\n", byte, value, fcntl(made[0], F_GETFD) == 0);
    unlink("pending");
    return finished();
}
