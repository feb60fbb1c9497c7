/* SPDX-License-Identifier: MIT */
/* flock and open-file-description locks between threads, F_SETLKW and lockf between processes. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 12, ROUNDS = 25 };

static int inside;

static void enter_and_leave(void)
{
    expect(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) == 1);
    usleep(50);
    __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
}

static void *flocks(void *argument)
{
    int fd = (int)must_sys(open("lock", O_RDWR));
    for (int i = 0; i < ROUNDS; i++) {
        must_sys(flock(fd, LOCK_EX));
        enter_and_leave();
        must_sys(flock(fd, LOCK_UN));
    }
    close(fd);
    return argument;
}

static void *description_locks(void *argument)
{
    int fd = (int)must_sys(open("lock", O_RDWR));
    for (int i = 0; i < ROUNDS; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
        must_sys(fcntl(fd, F_OFD_SETLKW, &lock));
        enter_and_leave();
        lock.l_type = F_UNLCK;
        must_sys(fcntl(fd, F_OFD_SETLKW, &lock));
    }
    close(fd);
    return argument;
}

static void *waits_for_process(void *argument)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = (int)must_sys(open("lock", O_RDWR));
    show_sys(fcntl(fd, F_SETLK, &lock));
    show_sys(lockf(fd, F_TEST, 1));
    show_sys(fcntl(fd, F_GETLK, &lock));
    say("held by another process: %d\n", lock.l_type == F_WRLCK && lock.l_pid != getpid());
    must_sys(write(index_of(argument), "x", 1));
    lock.l_type = F_WRLCK;
    show_sys(fcntl(fd, F_SETLKW, &lock));
    lock.l_type = F_UNLCK;
    show_sys(fcntl(fd, F_SETLK, &lock));
    show_sys(lockf(fd, F_TLOCK, 1));
    show_sys(lockf(fd, F_ULOCK, 1));
    show_sys(fcntl(-1, F_SETLKW, &lock));
    close(fd);
    return NULL;
}

static void between_processes(void)
{
    int held[2], release[2];
    char byte;
    must_sys(pipe(held));
    must_sys(pipe(release));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        int fd = (int)must_sys(open("lock", O_RDWR));
        must_sys(lockf(fd, F_LOCK, 1));
        must_sys(write(held[1], "x", 1));
        must_sys(read(release[0], &byte, 1));
        usleep(20000);
        _exit(0);
    }
    must_sys(read(held[0], &byte, 1));
    join(start(waits_for_process, (void *)(intptr_t)release[1]));
    must_sys(waitpid(child, NULL, 0));
}

int main(void)
{
    pthread_t threads[THREADS];
    int fd = (int)must_sys(open("lock", O_RDWR | O_CREAT, 0600));
    start_many(threads, THREADS, flocks);
    join_many(threads, THREADS);
    start_many(threads, THREADS, description_locks);
    join_many(threads, THREADS);
    int second = (int)must_sys(open("lock", O_RDWR));
    show_sys(flock(fd, LOCK_EX));
    show_sys(flock(second, LOCK_EX | LOCK_NB));
    show_sys(flock(fd, LOCK_SH));
    show_sys(flock(second, LOCK_SH | LOCK_NB));
    show_sys(flock(second, 77));
    close(fd);
    close(second);
    between_processes();
    unlink("lock");
    return finished();
}
