/* SPDX-License-Identifier: MIT */
/* POSIX message queues: waiting for room and for messages, priorities, time-outs, EAGAIN. */
#include <fcntl.h>
#include <mqueue.h>

#include "check.h"

enum { MESSAGES = 50 };

static mqd_t queue;

static void *receives(void *argument)
{
    char text[32];
    int received = 0;
    while (received < MESSAGES) {
        must_sys(mq_receive(queue, text, sizeof text, NULL));
        expect(atoi(text) == received++);
    }
    struct timespec soon = deadline_on(CLOCK_REALTIME, 40);
    int64_t begin = now_ns();
    show_sys(mq_timedreceive(queue, text, sizeof text, NULL, &soon));
    say("%s\n", elapsed_word(begin, 39));
    show_sys(mq_receive(queue, text, 5, NULL));
    return argument;
}

int main(void)
{
    char name[64], text[32];
    unsigned priority;
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 32};
    snprintf(name, sizeof name, "/programs-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    if (queue == (mqd_t)-1) {
        say("no message queues: %s\n", error_name(errno));
        return 0;
    }
    show_sys(mq_unlink(name));
    pthread_t thread = start(receives, NULL);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof text, "%d", i);
        must_sys(mq_send(queue, text, strlen(text) + 1, 0));
    }
    join(thread);
    must_sys(mq_send(queue, "low", 4, 1));
    must_sys(mq_send(queue, "high", 5, 9));
    show_sys(mq_receive(queue, text, sizeof text, &priority));
    say("%s %u\n", text, priority);
    struct timespec past = {1, 0};
    for (int i = 0; i < 3; i++)
        must_sys(mq_send(queue, "x", 1, 1));
    show_sys(mq_timedsend(queue, "x", 1, 1, &past));
    show_sys(mq_close(queue));
    return finished();
}
