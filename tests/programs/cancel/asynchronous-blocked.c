/* SPDX-License-Identifier: MIT */
/* Asynchronous cancellation acts at once also in calls that are no cancellation points: they do not
 * get what they waited for, and others can. */
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include "cancelling.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int file, other, set, word;

static void become_asynchronous(void)
{
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
}

static void in_mutex(void)
{
    become_asynchronous();
    pthread_mutex_lock(&mutex);
}

static void in_recursive(void)
{
    become_asynchronous();
    pthread_mutex_lock(&recursive);
}

static void in_timedlock(void)
{
    struct timespec far = {1l << 33, 0};
    become_asynchronous();
    pthread_mutex_timedlock(&mutex, &far);
}

static void in_flock(void)
{
    become_asynchronous();
    flock(other, LOCK_EX);
}

static void in_semop(void)
{
    become_asynchronous();
    semop(set, &(struct sembuf){0, -1, 0}, 1);
}

static void in_futex(void)
{
    become_asynchronous();
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void in_raw_sleep(void)
{
    struct timespec long_time = {100000, 0};
    become_asynchronous();
    for (;;)
        syscall(SYS_nanosleep, &long_time, NULL);
}

static void in_read(void)
{
    char byte;
    int ends[2];
    must_sys(pipe(ends));
    become_asynchronous();
    read(ends[0], &byte, 1);
}

static void in_pause(void)
{
    become_asynchronous();
    pause();
}

static void still_good(void)
{
    must(pthread_mutex_unlock(&mutex));
    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_unlock(&recursive));
    must(pthread_mutex_lock(&recursive));
}

static const struct blocking_call calls[] = {
    {"pthread_mutex_lock", in_mutex},
    {"pthread_mutex_lock, recursive", in_recursive},
    {"pthread_mutex_timedlock", in_timedlock},
    {"flock", in_flock},
    {"semop", in_semop},
    {"futex", in_futex},
    {"nanosleep by number", in_raw_sleep},
    {"read", in_read},
    {"pause", in_pause},
};

static void *locks(void *argument)
{
    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_lock(&recursive));
    must(pthread_mutex_unlock(&recursive));
    must(pthread_mutex_unlock(&mutex));
    return argument;
}

int main(void)
{
    must(pthread_mutex_lock(&mutex));
    must(pthread_mutex_lock(&recursive));
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    other = (int)must_sys(open("file", O_RDWR));
    must_sys(flock(file, LOCK_EX));
    set = (int)must_sys(semget(IPC_PRIVATE, 1, 0600));
    CANCEL_IN_EACH(calls, still_good);
    must(pthread_mutex_unlock(&mutex));
    must(pthread_mutex_unlock(&recursive));
    join(start(locks, NULL));
    must_sys(flock(file, LOCK_UN));
    show_sys(flock(other, LOCK_EX | LOCK_NB));
    must_sys(semop(set, &(struct sembuf){0, 1, 0}, 1));
    say("value %d\n", semctl(set, 0, GETVAL));
    must_sys(semctl(set, 0, IPC_RMID));
    return finished();
}
