/* SPDX-License-Identifier: MIT */
/* Cancelled while blocked in calls that are no cancellation points: each goes on waiting, does
 * what it is to do, and the thread is cancelled afterwards. */
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <threads.h>

#include "net.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t error_checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_t slow_once;
static mtx_t c11_mutex;
static int file, other, set, word, to[2];
static long total;
static bool released;
static const struct timespec far = {1l << 33, 0};

static void wait_for_release(void)
{
    while (!__atomic_load_n(&released, __ATOMIC_SEQ_CST))
        sched_yield();
}

static void *run_once(void *argument)
{
    must(pthread_once(&once, wait_for_release));
    return argument;
}

static long in_mutex(void)
{
    return pthread_mutex_lock(&mutex);
}
static long in_timedlock(void)
{
    return pthread_mutex_timedlock(&mutex, &far);
}
static long in_errorcheck(void)
{
    return pthread_mutex_lock(&error_checking);
}
static long in_mtx(void)
{
    return mtx_lock(&c11_mutex);
}
static long in_rdlock(void)
{
    return pthread_rwlock_rdlock(&rwlock);
}
static long in_wrlock(void)
{
    return pthread_rwlock_wrlock(&rwlock);
}
static long in_barrier(void)
{
    return pthread_barrier_wait(&barrier) > 0;
}
static long in_once(void)
{
    return pthread_once(&once, wait_for_release);
}
static long in_flock(void)
{
    return flock(other, LOCK_EX);
}
static long in_semop(void)
{
    return semop(set, &(struct sembuf){0, -1, 0}, 1);
}

static long in_futex(void)
{
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return 0;
}

static long in_sendfile(void)
{
    off_t offset = 0;
    return sendfile(to[0], file, &offset, 4 << 20) == 4 << 20;
}

static void hold_mutex(void)
{
    must(pthread_mutex_lock(&mutex));
}
static void hold_errorcheck(void)
{
    must(pthread_mutex_lock(&error_checking));
}
static void hold_mtx(void)
{
    mtx_lock(&c11_mutex);
}
static void hold_rwlock(void)
{
    must(pthread_rwlock_wrlock(&rwlock));
}
static void hold_file(void)
{
    must_sys(flock(file, LOCK_EX));
}
static void begin_once(void)
{
    slow_once = start(run_once, NULL);
}
static void nothing(void)
{
}

static void release_mutex(void)
{
    must(pthread_mutex_unlock(&mutex));
}
static void release_errorcheck(void)
{
    must(pthread_mutex_unlock(&error_checking));
}
static void release_mtx(void)
{
    mtx_unlock(&c11_mutex);
}
static void release_rwlock(void)
{
    must(pthread_rwlock_unlock(&rwlock));
}
static void release_file(void)
{
    must_sys(flock(file, LOCK_UN));
}
static void enter_barrier(void)
{
    pthread_barrier_wait(&barrier);
}
static void post(void)
{
    must_sys(semop(set, &(struct sembuf){0, 1, 0}, 1));
}

static void end_once(void)
{
    __atomic_store_n(&released, true, __ATOMIC_SEQ_CST);
    join(slow_once);
}

static void wake_futex(void)
{
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void receive(void)
{
    static char block[65536];
    while (total < 4 << 20)
        total += must_sys(recv(to[1], block, sizeof block, 0));
}

static const struct {
    const char *name;
    void (*before)(void);
    long (*block)(void);
    void (*wake)(void);
} calls[] = {
    {"pthread_mutex_lock", hold_mutex, in_mutex, release_mutex},
    {"pthread_mutex_lock, error-checking", hold_errorcheck, in_errorcheck, release_errorcheck},
    {"mtx_lock", hold_mtx, in_mtx, release_mtx},
    {"pthread_rwlock_rdlock", hold_rwlock, in_rdlock, release_rwlock},
    {"pthread_rwlock_wrlock", hold_rwlock, in_wrlock, release_rwlock},
    {"pthread_barrier_wait", nothing, in_barrier, enter_barrier},
    {"pthread_once", begin_once, in_once, end_once},
    {"flock", hold_file, in_flock, release_file},
    {"semop", nothing, in_semop, post},
    {"futex", nothing, in_futex, wake_futex},
    {"sendfile", nothing, in_sendfile, receive},
    {"pthread_mutex_timedlock", hold_mutex, in_timedlock, release_mutex},
};

static void leave_locks(long result, int which)
{
    if (calls[which].block == in_mutex || calls[which].block == in_timedlock)
        must(pthread_mutex_unlock(&mutex));
    else if (calls[which].block == in_errorcheck)
        must(pthread_mutex_unlock(&error_checking));
    else if (calls[which].block == in_mtx)
        mtx_unlock(&c11_mutex);
    else if (calls[which].block == in_rdlock || calls[which].block == in_wrlock)
        must(pthread_rwlock_unlock(&rwlock));
    expect(result == 0 || calls[which].block == in_sendfile || calls[which].block == in_barrier);
}

static bool came_back;

static void *routine(void *argument)
{
    int which = index_of(argument);
    leave_locks(calls[which].block(), which);
    came_back = true;
    pthread_testcancel();
    return NULL;
}

int main(void)
{
    must(pthread_barrier_init(&barrier, NULL, 2));
    mtx_init(&c11_mutex, mtx_plain);
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    other = (int)must_sys(open("file", O_RDWR));
    must_sys(ftruncate(file, 4 << 20));
    set = (int)must_sys(semget(IPC_PRIVATE, 1, 0600));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, to));
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++) {
        came_back = false;
        calls[i].before();
        pthread_t thread = start(routine, (void *)(intptr_t)i);
        settle();
        must(pthread_cancel(thread));
        settle();
        calls[i].wake();
        void *result = join(thread);
        say("%s: came back %d, canceled %d\n", calls[i].name, came_back,
            result == PTHREAD_CANCELED);
    }
    must_sys(semctl(set, 0, IPC_RMID));
    return finished();
}
