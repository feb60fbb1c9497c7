/* SPDX-License-Identifier: MIT */
/* inotify: a thread waits for what happens to files, by read, poll and with O_NONBLOCK; names in order; the
 * errors of a bad watch and of a short buffer. */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "check.h"

static int watching;

static void *reads_events(void *argument)
{
    char buffer[4096] __attribute__((aligned(8)));
    for (int seen = 0; seen < 3;) {
        ssize_t got = must_sys(read(watching, buffer, sizeof buffer));
        for (char *at = buffer; at < buffer + got; seen++) {
            struct inotify_event *event = (struct inotify_event *)at;
            say("%s%s %s\n", event->mask & IN_CREATE ? "created" : "",
                event->mask & IN_DELETE ? "deleted" : "", event->name);
            at += sizeof *event + event->len;
        }
    }
    return argument;
}

static void *polls(void *argument)
{
    struct pollfd waits = {.fd = watching, .events = POLLIN};
    show_sys(poll(&waits, 1, 10));
    show_sys(poll(&waits, 1, -1));
    char buffer[4096];
    expect(read(watching, buffer, 4) == -1 && errno == EINVAL);
    expect(read(watching, buffer, sizeof buffer) > 0);
    return argument;
}

static void make(const char *name)
{
    close((int)must_sys(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
}

int main(void)
{
    must_sys(mkdir("watched", 0700));
    watching = (int)must_sys(inotify_init());
    say("flags %d %d\n", fcntl(watching, F_GETFD), fcntl(watching, F_GETFL) & O_NONBLOCK);
    must_sys(inotify_add_watch(watching, "watched", IN_CREATE | IN_DELETE));
    pthread_t thread = start(reads_events, NULL);
    settle();
    make("watched/one");
    make("watched/two");
    must_sys(unlink("watched/one"));
    join(thread);
    thread = start(polls, NULL);
    settle();
    must_sys(unlink("watched/two"));
    join(thread);
    int other = (int)must_sys(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    char buffer[4096];
    show_sys(read(other, buffer, sizeof buffer));
    show_sys(inotify_add_watch(other, "nothing", IN_CREATE));
    show_sys(inotify_rm_watch(other, 5));
    show_sys(inotify_init1(0x40));
    close(other);
    close(watching);
    must_sys(rmdir("watched"));
    return finished();
}
