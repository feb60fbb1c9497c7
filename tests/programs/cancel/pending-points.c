/* SPDX-License-Identifier: MIT */
/* A pending cancellation acts at the next cancellation point, also where the call would not wait,
 * and where it would fail; the call then has no effect. For each call: did it act? */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>

#include "check.h"

static int file, pipes[2], ends[2], spare;
static sem_t semaphore;
static char byte;
static struct iovec part = {&byte, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static struct epoll_event event;
static struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
static const struct timespec none, past = {1, 0}, wrong = {0, -1};

/* Each is CASE(text of the call): number, name and call from one list. */
#define CALLS                                                                                      \
    CASE(read(pipes[0], &byte, 1))                                                                 \
    CASE(read(pipes[0], &byte, 0))                                                                 \
    CASE(read(file, &byte, 1))                                                                     \
    CASE(read(-1, &byte, 1))                                                                       \
    CASE(readv(pipes[0], &part, 1))                                                                \
    CASE(pread(file, &byte, 1, 0))                                                                 \
    CASE(preadv(file, &part, 1, 0))                                                                \
    CASE(preadv2(file, &part, 1, 0, 0))                                                            \
    CASE(write(pipes[1], &byte, 1))                                                                \
    CASE(write(pipes[1], &byte, 0))                                                                \
    CASE(write(file, &byte, 1))                                                                    \
    CASE(writev(pipes[1], &part, 1))                                                               \
    CASE(pwrite(file, &byte, 1, 0))                                                                \
    CASE(pwritev(file, &part, 1, 0))                                                               \
    CASE(close(spare))                                                                             \
    CASE(close(-1))                                                                                \
    CASE(fsync(file))                                                                              \
    CASE(fdatasync(file))                                                                          \
    CASE(msync(NULL, 0, MS_ASYNC))                                                                 \
    CASE(sync_file_range(file, 0, 0, 0))                                                           \
    CASE(fallocate(file, 0, 0, 10))                                                                \
    CASE(open("file", O_RDONLY))                                                                   \
    CASE(openat(AT_FDCWD, "file", O_RDONLY))                                                       \
    CASE(creat("file2", 0600))                                                                     \
    CASE(fcntl(file, F_SETLKW, &lock))                                                             \
    CASE(fcntl(file, F_OFD_SETLKW, &lock))                                                         \
    CASE(lockf(file, F_LOCK, 0))                                                                   \
    CASE(send(ends[1], &byte, 1, 0))                                                               \
    CASE(send(ends[1], &byte, 1, MSG_DONTWAIT))                                                    \
    CASE(sendto(ends[1], &byte, 1, 0, NULL, 0))                                                    \
    CASE(sendmsg(ends[1], &message, 0))                                                            \
    CASE(recv(ends[0], &byte, 1, 0))                                                               \
    CASE(recv(ends[0], &byte, 1, MSG_DONTWAIT))                                                    \
    CASE(recvfrom(ends[0], &byte, 1, 0, NULL, NULL))                                               \
    CASE(recvmsg(ends[0], &message, 0))                                                            \
    CASE(accept(ends[0], NULL, NULL))                                                              \
    CASE(accept4(-1, NULL, NULL, 0))                                                               \
    CASE(connect(-1, NULL, 0))                                                                     \
    CASE(poll(NULL, 0, 0))                                                                         \
    CASE(ppoll(NULL, 0, &none, NULL))                                                              \
    CASE(select(0, NULL, NULL, NULL, &(struct timeval){0, 0}))                                     \
    CASE(pselect(0, NULL, NULL, NULL, &none, NULL))                                                \
    CASE(epoll_wait(-1, &event, 1, 0))                                                             \
    CASE(epoll_pwait(-1, &event, 1, 0, NULL))                                                      \
    CASE(splice(-1, NULL, -1, NULL, 1, 0))                                                         \
    CASE(tee(-1, -1, 1, 0))                                                                        \
    CASE(vmsplice(pipes[1], &part, 1, 0))                                                          \
    CASE(copy_file_range(-1, NULL, -1, NULL, 1, 0))                                                \
    CASE(sem_wait(&semaphore))                                                                     \
    CASE(sem_timedwait(&semaphore, &past))                                                         \
    CASE(sem_timedwait(&semaphore, &wrong))                                                        \
    CASE(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &past))                                        \
    CASE(nanosleep(&none, NULL))                                                                   \
    CASE(nanosleep(&wrong, NULL))                                                                  \
    CASE(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL))                             \
    CASE(clock_nanosleep(CLOCK_REALTIME, 0, &wrong, NULL))                                         \
    CASE(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wrong, NULL))                            \
    CASE(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL))                                 \
    CASE(thrd_sleep(&none, NULL))                                                                  \
    CASE(thrd_sleep(&wrong, NULL))                                                                 \
    CASE(sleep(0))                                                                                 \
    CASE(usleep(0))                                                                                \
    CASE(wait(NULL))                                                                               \
    CASE(waitpid(-1, NULL, WNOHANG))                                                               \
    CASE(waitid(P_ALL, 0, NULL, WEXITED | WNOHANG))                                                \
    CASE(tcdrain(file))                                                                            \
    CASE(getrandom(&byte, 1, 0))                                                                   \
    CASE(sigtimedwait(&(sigset_t){0}, NULL, &none))                                                \
    CASE(pthread_testcancel())

#define CASE(call) #call,
static const char *const names[] = {CALLS};
#undef CASE

static void do_call(int which)
{
    int number = 0;
#define CASE(call)                                                                                 \
    if (number++ == which)                                                                         \
        call;
    CALLS
#undef CASE
}

static void *calls(void *argument)
{
    must(pthread_cancel(pthread_self()));
    do_call(index_of(argument));
    return argument; /* not canceled; a point would not come back from here */
}

int main(void)
{
    int value;
    must_sys(pipe(pipes));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    spare = (int)must_sys(dup(pipes[0]));
    must_sys(write(file, "content", 7));
    must_sys(write(pipes[1], "content", 7));
    must_sys(write(ends[1], "content", 7));
    must_sys(sem_init(&semaphore, 0, 1));
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        say("%s: %s\n", names[i],
            join(start(calls, (void *)(intptr_t)i)) == PTHREAD_CANCELED ? "acted" : "did not");
    /* Nothing was done. */
    char rest[32] = {0};
    must_sys(sem_getvalue(&semaphore, &value));
    say("value %d\n", value);
    show_sys(read(pipes[0], rest, sizeof rest));
    show_sys(read(ends[0], rest, sizeof rest));
    show_sys(lseek(file, 0, SEEK_CUR));
    expect(fcntl(spare, F_GETFD) >= 0);
    show_sys(access("file2", F_OK));
    return finished();
}
