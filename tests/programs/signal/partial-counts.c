/* SPDX-License-Identifier: MIT */
/* A handled signal in the middle of a transfer, with and without SA_RESTART: what has been transferred is
 * returned, as a count; nothing of it is lost or doubled. */
#include <semaphore.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "net.h"

enum { SIZE = 1 << 20 };

static int ends[2];
static sem_t handled;
static char block[SIZE];
static ssize_t result;
static int result_errno;

static void handle(int number)
{
    (void)number;
    sem_post(&handled);
}

static void install(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    must_sys(sigaction(SIGUSR1, &action, NULL));
}

static void *transfers(void *argument)
{
    struct iovec part = {block, SIZE};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    errno = 0;
    switch (index_of(argument)) {
    case 0: result = write(ends[0], block, SIZE); break;
    case 1: result = send(ends[0], block, SIZE, 0); break;
    case 2: result = writev(ends[0], &part, 1); break;
    case 3: result = sendmsg(ends[0], &message, 0); break;
    default: result = recv(ends[0], block, 10, MSG_WAITALL);
    }
    result_errno = errno;
    return NULL;
}

static void interrupt(pthread_t thread)
{
    must(pthread_kill(thread, SIGUSR1));
    while (sem_wait(&handled))
        ;
}

/* How many bytes are on their way to us, once the sender can send no more. */
static int on_its_way(void)
{
    int now = 0, before = -1;
    while (now != before || now == 0) {
        settle();
        before = now;
        must_sys(ioctl(ends[1], FIONREAD, &now));
    }
    return now;
}

static void sends(int way, int flags)
{
    install(flags);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_t thread = start(transfers, (void *)(intptr_t)way);
    on_its_way();
    interrupt(thread);
    join(thread);
    close(ends[0]);
    long arrived = 0;
    for (ssize_t got; (got = read(ends[1], block, SIZE)) > 0;)
        arrived += got;
    say("send %d, restart %d: a part %d, all of it arrived %d, errno %s\n", way, flags != 0,
        result > 0 && result < SIZE, arrived == result, error_name(result_errno));
    close(ends[1]);
}

static void receives(int flags)
{
    install(flags);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(write(ends[1], "abcd", 4));
    pthread_t thread = start(transfers, (void *)4);
    for (int left = 1; left;) {
        usleep(1000);
        must_sys(ioctl(ends[0], FIONREAD, &left));
    }
    settle();
    interrupt(thread);
    /* Whatever it has returned, the rest is for the next one. */
    must_sys(write(ends[1], "efghij", 6));
    join(thread);
    say("receive, restart %d: %ld %s\n", flags != 0, (long)result, error_name(result_errno));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    must_sys(sem_init(&handled, 0, 0));
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        for (int way = 0; way < 4; way++)
            sends(way, flags);
        receives(flags);
    }
    return finished();
}
