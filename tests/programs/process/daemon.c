/* SPDX-License-Identifier: MIT */
/* A daemon's double fork with setsid, then threads; and daemon(3) in a child. */
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 20 };

static int report[2];
static pid_t first_session;

static void *works(void *argument)
{
    usleep(1000);
    return (void *)(intptr_t)(index_of(argument) + 1);
}

static void be_the_daemon(void)
{
    pthread_t threads[THREADS];
    int sum = 0, leads_session = getsid(0) != first_session;
    start_many(threads, THREADS, works);
    for (int i = 0; i < THREADS; i++)
        sum += index_of(join(threads[i]));
    dprintf(report[1], "sum %d, session %d", sum, leads_session);
    _exit(0);
}

static void daemonise(bool with_daemon)
{
    char text[64] = "";
    int status;
    must_sys(pipe(report));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        if (with_daemon) {
            must_sys(daemon(1, 1));
        } else {
            must_sys(setsid());
            if (must_sys(fork()) > 0)
                _exit(2);
        }
        be_the_daemon();
    }
    must_sys(waitpid(child, &status, 0));
    close(report[1]);
    while (read(report[0], text + strlen(text), sizeof text - 1 - strlen(text)) > 0)
        ;
    say("first child %d, daemon: %s\n", WEXITSTATUS(status), text);
    close(report[0]);
}

static void *daemonises(void *argument)
{
    daemonise(false);
    daemonise(true);
    return argument;
}

int main(void)
{
    first_session = getsid(0);
    daemonises(NULL);
    join(start(daemonises, NULL));
    daemonises(NULL);
    return finished();
}
