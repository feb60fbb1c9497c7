/* SPDX-License-Identifier: MIT */
/* connect is interrupted by a handled signal (EINTR even with SA_RESTART where the backlog is full for good),
 * by a time-out (SO_SNDTIMEO: EAGAIN or EINPROGRESS), and afterwards the socket still can be used. */
#include <poll.h>
#include <semaphore.h>
#include <signal.h>

#include "net.h"

static struct sockaddr_in full;
static sem_t handled;
static int result, result_errno, fd;

static void handle(int number)
{
    (void)number;
    sem_post(&handled);
}

static void *connects(void *argument)
{
    errno = 0;
    result = connect(fd, (struct sockaddr *)&full, sizeof full);
    result_errno = errno;
    return argument;
}

/* A listener that accepts nobody: the kernel completes few connections and then lets others wait. */
static int full_listener(void)
{
    int listening = listener(0);
    full = address_of(listening);
    for (int waiting = 0; !waiting;) {
        int one = (int)must_sys(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        struct pollfd waits = {.fd = one, .events = POLLOUT};
        connect(one, (struct sockaddr *)&full, sizeof full);
        waiting = poll(&waits, 1, 50) == 0;
    }
    return listening;
}

int main(void)
{
    must_sys(sem_init(&handled, 0, 0));
    int listening = full_listener();
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
        must_sys(sigaction(SIGUSR1, &action, NULL));
        fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
        set_timeout(fd, SO_SNDTIMEO, 6000);
        pthread_t thread = start(connects, NULL);
        settle();
        settle();
        must(pthread_kill(thread, SIGUSR1));
        while (sem_wait(&handled))
            ;
        join(thread);
        say("restart %d: %d %s, %s\n", flags != 0, result, error_name(result_errno), blocking_word(fd));
        close(fd);
    }
    fd = (int)must_sys(socket(AF_INET, SOCK_STREAM, 0));
    set_timeout(fd, SO_SNDTIMEO, 100);
    int64_t begin = now_ns();
    join(start(connects, NULL));
    say("time-out: %d %s, %s, %s\n", result, error_name(result_errno), elapsed_word(begin, 100), blocking_word(fd));
    join(start(connects, NULL));
    say("again: %d %s\n", result, error_name(result_errno));
    close(listening);
    return finished();
}
