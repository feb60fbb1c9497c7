/* SPDX-License-Identifier: MIT */
/* SIGPIPE goes to the thread that wrote, once for each failing call, by every call that can cause it; it is
 * left pending where it is blocked; unhandled, it ends the process. */
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "net.h"

static __thread volatile sig_atomic_t received;

static void handle(int number)
{
    expect(number == SIGPIPE);
    received++;
}

static int broken_socket(void)
{
    int ends[2];
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    close(ends[1]);
    return ends[0];
}

static int broken_pipe(void)
{
    int ends[2];
    must_sys(pipe(ends));
    close(ends[0]);
    return ends[1];
}

static void call(int which, int fd)
{
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    off_t offset = 0;
    int file = open("/etc/passwd", O_RDONLY);
    switch (which) {
    case 0: show_sys(write(fd, "x", 1)); break;
    case 1: show_sys(writev(fd, &part, 1)); break;
    case 2: show_sys(sendfile(fd, file, &offset, 10)); break;
    case 3: show_sys(send(fd, "x", 1, 0)); break;
    case 4: show_sys(sendto(fd, "x", 1, 0, NULL, 0)); break;
    case 5: show_sys(sendmsg(fd, &message, 0)); break;
    case 6: show_sys(sendmmsg(fd, &several, 1, 0)); break;
    default: show_sys(send(fd, "x", 1, MSG_NOSIGNAL));
    }
    close(file);
}

static void *writes(void *argument)
{
    for (int which = 0; which < 8; which++) {
        int fd = broken_socket();
        received = 0;
        call(which, fd);
        say("received %d\n", received);
        close(fd);
    }
    for (int which = 0; which < 3; which++) {
        int fd = broken_pipe();
        received = 0;
        call(which, fd);
        say("received %d\n", received);
        close(fd);
    }
    return argument;
}

static void *blocks_it(void *argument)
{
    sigset_t set, pending;
    int fd = broken_socket(), number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    received = 0;
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    show_sys(write(fd, "x", 1));
    show_sys(write(fd, "x", 1));
    must_sys(sigpending(&pending));
    say("pending %d, received %d\n", sigismember(&pending, SIGPIPE), received);
    must(sigwait(&set, &number));
    must_sys(sigpending(&pending));
    say("pending %d\n", sigismember(&pending, SIGPIPE));
    show_sys(write(fd, "x", 1));
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    say("received %d\n", received);
    close(fd);
    return argument;
}

static void *dies(void *argument)
{
    write(broken_socket(), "x", 1);
    say("not reached\n");
    return argument;
}

int main(void)
{
    signal(SIGPIPE, handle);
    writes(NULL);
    join(start(writes, NULL));
    join(start(blocks_it, NULL));
    signal(SIGPIPE, SIG_DFL);
    pid_t child = fork();
    if (child == 0) {
        join(start(dies, NULL));
        _exit(0);
    }
    int status;
    must_sys(waitpid(child, &status, 0));
    say("killed by SIGPIPE %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    return finished();
}
