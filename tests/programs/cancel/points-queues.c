/* SPDX-License-Identifier: MIT */
/* Cancelled in the calls of System V and POSIX queues: no message is taken or added, and the
 * queues can be used. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "cancelling.h"

struct message {
    long type;
    char text[16];
};

static int empty, full;
static mqd_t empty_posix, full_posix;
static const struct timespec far = {1l << 33, 0};

static void in_msgrcv(void)
{
    struct message message;
    msgrcv(empty, &message, sizeof message.text, 0, 0);
}

static void in_msgsnd(void)
{
    struct message message = {1, "of the cancelled"};
    msgsnd(full, &message, sizeof message.text, 0);
}

static void in_mq_receive(void)
{
    char text[16];
    mq_receive(empty_posix, text, sizeof text, NULL);
}

static void in_mq_timedreceive(void)
{
    char text[16];
    mq_timedreceive(empty_posix, text, sizeof text, NULL, &far);
}

static void in_mq_send(void)
{
    mq_send(full_posix, "cancelled", 9, 0);
}

static void in_mq_timedsend(void)
{
    mq_timedsend(full_posix, "cancelled", 9, 0, &far);
}

static void still_good(void)
{
    struct message message = {7, "good"};
    char text[16];
    must_sys(msgsnd(empty, &message, sizeof message.text, 0));
    expect(msgrcv(empty, &message, sizeof message.text, 0, 0) == sizeof message.text);
    must_sys(mq_send(empty_posix, "good", 5, 3));
    expect(mq_receive(empty_posix, text, sizeof text, NULL) == 5);
}

static mqd_t posix_queue(const char *suffix)
{
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
    char name[64];
    snprintf(name, sizeof name, "/cancel-%d-%s", (int)getpid(), suffix);
    mqd_t queue = (mqd_t)must_sys(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
    must_sys(mq_unlink(name));
    return queue;
}

static const struct blocking_call calls[] = {
    {"msgrcv", in_msgrcv},         {"msgsnd", in_msgsnd},
    {"mq_receive", in_mq_receive}, {"mq_timedreceive", in_mq_timedreceive},
    {"mq_send", in_mq_send},       {"mq_timedsend", in_mq_timedsend},
};

int main(void)
{
    struct message message = {2, "first"};
    struct msqid_ds state;
    char text[16];
    int count = 0;
    empty = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    full = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    must_sys(msgctl(full, IPC_STAT, &state));
    state.msg_qbytes = sizeof message.text;
    must_sys(msgctl(full, IPC_SET, &state));
    must_sys(msgsnd(full, &message, sizeof message.text, 0));
    empty_posix = posix_queue("empty");
    full_posix = posix_queue("full");
    must_sys(mq_send(full_posix, "one", 4, 0));
    must_sys(mq_send(full_posix, "two", 4, 0));
    CANCEL_IN_EACH(calls, still_good);
    while (msgrcv(full, &message, sizeof message.text, 0, IPC_NOWAIT) >= 0)
        say("in the queue: %s\n", message.text);
    for (count = 0; count < 2; count++) {
        must_sys(mq_receive(full_posix, text, sizeof text, NULL));
        say("in the queue: %s\n", text);
    }
    struct timespec past = {1, 0};
    show_sys(mq_timedreceive(full_posix, text, sizeof text, NULL, &past));
    must_sys(msgctl(empty, IPC_RMID, NULL));
    must_sys(msgctl(full, IPC_RMID, NULL));
    return finished();
}
