/* SPDX-License-Identifier: MIT */
/* sendfile to a blocking socket: others who use the same open file, here and in another process, never see it
 * as non-blocking. */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { CALLS = 3000, SIZE = 4096 };

static int sockets[2], file;

static void *sends(void *argument)
{
    for (int i = 0; i < CALLS; i++) {
        off_t offset = 0;
        expect(sendfile(sockets[0], file, &offset, SIZE) == SIZE && offset == SIZE);
    }
    must_sys(shutdown(sockets[0], SHUT_WR));
    return argument;
}

/* Answers each piece by a byte, which those below wait for. */
static void *answers(void *argument)
{
    char bytes[SIZE];
    ssize_t got, all = 0;
    while ((got = read(sockets[1], bytes, sizeof bytes)) > 0) {
        all += got;
        must_sys(send(sockets[1], "x", 1, 0));
    }
    say("%zd bytes\n", all);
    must_sys(shutdown(sockets[1], SHUT_WR));
    return argument;
}

/* Blocking reads, and looks at the flags, until the end. */
static int shares(void)
{
    char byte;
    ssize_t got;
    int again = 0, flags = 0;
    while ((got = recv(sockets[0], &byte, 1, 0)) != 0) {
        again += got < 0;
        flags += (fcntl(sockets[0], F_GETFL) & O_NONBLOCK) != 0;
    }
    return (again > 0) + 2 * (flags > 0);
}

static void *shares_here(void *argument)
{
    say("here %d\n", shares());
    return argument;
}

int main(void)
{
    FILE *temporary = tmpfile();
    int status;
    file = fileno(temporary);
    must_sys(ftruncate(file, SIZE));
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        must_sys(close(sockets[1]));
        _exit(shares());
    }
    pthread_t reader = start(answers, NULL), sharer = start(shares_here, NULL);
    pthread_t sender = start(sends, NULL);
    join(sender);
    join(reader);
    join(sharer);
    must_sys(waitpid(child, &status, 0));
    say("in the child %d\n", WEXITSTATUS(status));
    return finished();
}
