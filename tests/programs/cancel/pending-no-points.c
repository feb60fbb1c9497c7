/* SPDX-License-Identifier: MIT */
/* A pending cancellation does not act in the calls that are no cancellation points, nor in those
 * that glibc does not make one; they do their work. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static sem_t semaphore;
static int file, pipes[2], sockets[2];
static const char *last = "none"; /* who is cancelled nevertheless, is cancelled after this */

static void nothing(void)
{
}

#define DO(call)                                                                                   \
    do {                                                                                           \
        last = #call;                                                                              \
        call;                                                                                      \
    } while (0)

static void locks(void)
{
    struct timespec past = {1, 0};
    DO(pthread_mutex_lock(&mutex));
    DO(pthread_cond_signal(&cond));
    DO(pthread_cond_broadcast(&cond));
    DO(pthread_mutex_unlock(&mutex));
    DO(pthread_mutex_trylock(&mutex));
    DO(pthread_mutex_timedlock(&mutex, &past));
    DO(pthread_mutex_unlock(&mutex));
    DO(pthread_rwlock_rdlock(&rwlock));
    DO(pthread_rwlock_timedwrlock(&rwlock, &past));
    DO(pthread_rwlock_unlock(&rwlock));
    DO(pthread_rwlock_wrlock(&rwlock));
    DO(pthread_rwlock_unlock(&rwlock));
    DO(pthread_spin_lock(&spin));
    DO(pthread_spin_unlock(&spin));
    DO(pthread_barrier_wait(&barrier));
    DO(pthread_once(&once, nothing));
    DO(sem_post(&semaphore));
    DO(sem_trywait(&semaphore));
    DO(sched_yield());
}

static void descriptors(void)
{
    int made[2];
    off_t offset = 0;
    DO(must_sys(pipe(made)));
    DO(dup2(made[0], made[1]));
    DO(close_range((unsigned)made[0], (unsigned)made[0], 0));
    DO(close_range((unsigned)made[1], (unsigned)made[1], 0));
    DO(must_sys(socket(AF_INET, SOCK_STREAM, 0)));
    DO(must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, made)));
    DO(must_sys(listen(socket(AF_INET, SOCK_STREAM, 0), 1)));
    DO(must_sys(shutdown(made[0], SHUT_RDWR)));
    DO(must_sys(dup(file)));
    DO(must_sys(eventfd(0, 0)));
    DO(must_sys(epoll_create1(0)));
    DO(must_sys(timerfd_create(CLOCK_MONOTONIC, 0)));
    DO(must_sys(fcntl(file, F_GETFL)));
    DO(must_sys(fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK})));
    DO(must_sys(flock(file, LOCK_EX)));
    DO(must_sys(lseek(file, 0, SEEK_SET)));
    DO(must_sys(ftruncate(file, 100)));
    DO(posix_fallocate(file, 0, 100));
    DO(must_sys(sendfile(sockets[0], file, &offset, 10)));
    DO(must_sys(mkdir("made", 0700)));
    DO(must_sys(rmdir("made")));
    DO(must_sys(fstat(file, &(struct stat){0})));
}

static void *does_nothing(void *argument)
{
    return argument;
}

static void others(void)
{
    pthread_t thread;
    sigset_t set;
    int state;
    DO(must(pthread_create(&thread, NULL, does_nothing, NULL)));
    DO(must(pthread_detach(thread)));
    DO(must(pthread_setspecific(key, &key)));
    DO(must(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &state)));
    DO(must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state)));
    DO(sigpending(&set));
    DO(pthread_sigmask(SIG_BLOCK, NULL, &set));
    DO(raise(SIGURG));
    DO(pthread_kill(pthread_self(), SIGURG));
    DO(kill(getpid(), 0));
    DO(syscall(SYS_read, pipes[0], &state, 1));
    DO(syscall(SYS_gettid));
    DO(free(malloc(100000)));
    DO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    DO(clock_ns(CLOCK_REALTIME));
}

static void *routine(void *argument)
{
    must(pthread_cancel(pthread_self()));
    locks();
    descriptors();
    others();
    last = "all of them";
    pthread_testcancel();
    last = "pthread_testcancel, too";
    return argument;
}

static pthread_t ended;

static void *joins(void *argument)
{
    void *value = NULL;
    struct timespec past = {1, 0};
    must(pthread_cancel(pthread_self()));
    switch (*(char *)argument) {
    case 't':
        while (pthread_tryjoin_np(ended, &value) == EBUSY)
            sched_yield();
        break;
    case 'j':
        pthread_join(ended, &value);
        break;
    default:
        pthread_clockjoin_np(ended, &value, CLOCK_MONOTONIC, &past);
    }
    return value;
}

/* Joining a thread that has ended does not wait, and natively that is no point either. When it has
 * ended nobody can tell; but a cancelled joiner leaves it as it is, for the next one. */
static void join_the_ended(const char *way)
{
    void *value = PTHREAD_CANCELED;
    ended = start(does_nothing, "its value");
    for (int i = 0; i < 100 && value == PTHREAD_CANCELED; i++) {
        value = join(start(joins, (void *)way));
        if (value == PTHREAD_CANCELED)
            settle();
    }
    say("%s: %s\n", way, value == PTHREAD_CANCELED ? "acted" : (const char *)value);
}

int main(void)
{
    must_sys(pipe(pipes));
    must_sys(write(pipes[1], "content", 7));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    must(pthread_key_create(&key, NULL));
    must(pthread_barrier_init(&barrier, NULL, 1));
    must(pthread_spin_init(&spin, 0));
    must_sys(sem_init(&semaphore, 0, 0));
    say("%s\n", join(start(routine, NULL)) == PTHREAD_CANCELED ? "canceled" : "returned");
    say("after %s\n", last);
    join_the_ended("tryjoin");
    join_the_ended("join");
    join_the_ended("clockjoin");
    return finished();
}
