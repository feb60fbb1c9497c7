/* SPDX-License-Identifier: MIT */
/* Many threads on both ends of a queue; signals with and without SA_RESTART, cancellation, deadlines,
 * O_NONBLOCK, a queue closed under a call, its number used again, another process at the other end. */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 20, EACH = 50, ROOM = 4, SIZE = 32 };

static mqd_t queue;
static char name[64];
static _Atomic int sum, handled;
static _Atomic bool returned;

static void handler(int signal)
{
    handled++;
}

static mqd_t open_queue(int flags)
{
    struct mq_attr attr = {.mq_maxmsg = ROOM, .mq_msgsize = SIZE};
    mqd_t result = mq_open(name, O_RDWR | O_CREAT | flags, 0600, &attr);
    if (result == (mqd_t)-1) {
        say("no message queues: %s\n", error_name(errno));
        exit(0);
    }
    must_sys(mq_unlink(name));
    return result;
}

static void *sends(void *argument)
{
    for (int i = 1; i <= EACH; i++) {
        int value = index_of(argument) * EACH + i;
        expect(mq_send(queue, (char *)&value, sizeof value, (unsigned)i % 3) == 0);
    }
    return NULL;
}

static void *receives(void *argument)
{
    union {
        char text[SIZE];
        int value;
    } message;
    for (int i = 0; i < EACH; i++) {
        struct timespec late = deadline_on(CLOCK_REALTIME, 10000);
        ssize_t size = index_of(argument) % 2
                           ? mq_receive(queue, message.text, SIZE, NULL)
                           : mq_timedreceive(queue, message.text, SIZE, NULL, &late);
        expect(size == sizeof message.value);
        sum += message.value;
    }
    return NULL;
}

static void work_together(void)
{
    pthread_t senders[THREADS], receivers[THREADS];
    start_many(receivers, THREADS, receives);
    start_many(senders, THREADS, sends);
    join_many(senders, THREADS);
    join_many(receivers, THREADS);
    say("sum %d\n", sum);
}

/* Waits for a message with a deadline, or for room without. */
static void *receives_one(void *argument)
{
    char text[SIZE];
    struct timespec late = deadline_on(CLOCK_REALTIME, 20000);
    show_sys(mq_timedreceive(queue, text, SIZE, NULL, &late));
    returned = true;
    return argument;
}

static void *sends_one(void *argument)
{
    show_sys(mq_send(queue, "more", 5, 9));
    returned = true;
    return argument;
}

static void is_signalled(void *(*routine)(void *), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    handled = 0;
    returned = false;
    pthread_t thread = start(routine, NULL);
    settle();
    for (int i = 1; flags ? i <= 10 : !returned; i++) {
        must(pthread_kill(thread, SIGUSR1));
        while (handled < i && !returned)
            sched_yield();
    }
    if (flags) {
        char text[SIZE];
        if (routine == sends_one)
            must_sys(mq_receive(queue, text, SIZE, NULL));
        else
            must_sys(mq_send(queue, "now", 4, 0));
    }
    join(thread);
}

static void *is_cancelled(void *argument)
{
    char text[SIZE];
    mq_receive(queue, text, SIZE, NULL);
    return NULL;
}

static void *is_late(void *argument)
{
    char text[SIZE];
    struct timespec soon = deadline_on(CLOCK_REALTIME, 30), wrong = {1, 1000000000};
    int64_t begin = now_ns();
    show_sys(mq_timedreceive(queue, text, SIZE, NULL, &soon));
    say("%s\n", elapsed_word(begin, 29));
    show_sys(mq_timedreceive(queue, text, SIZE, NULL, &wrong));
    show_sys(mq_receive(queue, text, SIZE - 1, NULL));
    show_sys(mq_receive(9999, text, SIZE, NULL));
    show_sys(mq_receive(0, text, SIZE, NULL));
    show_sys(mq_send(queue, text, SIZE + 1, 0));
    show_sys(mq_send(queue, text, 1, 1000000));
    show_sys(mq_send(queue, bad_pointer, 1, 0));
    return NULL;
}

static void *does_not_wait(void *argument)
{
    char text[SIZE];
    struct mq_attr attr = {.mq_flags = O_NONBLOCK};
    must_sys(mq_setattr(queue, &attr, NULL));
    show_sys(mq_receive(queue, text, SIZE, NULL));
    for (int i = 0; i < ROOM; i++)
        must_sys(mq_send(queue, "x", 1, 0));
    show_sys(mq_send(queue, "x", 1, 0));
    attr.mq_flags = 0;
    must_sys(mq_setattr(queue, &attr, NULL));
    for (int i = 0; i < ROOM; i++)
        must_sys(mq_receive(queue, text, SIZE, NULL));
    return NULL;
}

static void *converses(void *argument)
{
    char text[SIZE];
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        for (int i = 0; i < 100; i++)
            if (mq_send(queue, "message", 8, 0) < 0)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 100; i++)
        expect(mq_receive(queue, text, SIZE, NULL) == 8);
    expect(waitpid(child, NULL, 0) == child);
    return NULL;
}

int main(void)
{
    snprintf(name, sizeof name, "/programs-many-%d", (int)getpid());
    queue = open_queue(O_EXCL);
    work_together();
    is_signalled(receives_one, 0);
    is_signalled(receives_one, SA_RESTART);
    for (int i = 0; i < ROOM; i++)
        must_sys(mq_send(queue, "x", 1, 0));
    is_signalled(sends_one, 0);
    is_signalled(sends_one, SA_RESTART);
    for (int i = 0; i < ROOM; i++) {
        char text[SIZE] = "";
        unsigned priority;
        show_sys(mq_receive(queue, text, SIZE, &priority));
        say("%u\n", priority);
    }
    join(start(is_late, NULL));
    join(start(does_not_wait, NULL));
    pthread_t thread = start(is_cancelled, NULL);
    settle();
    must(pthread_cancel(thread));
    say("cancelled %d\n", join(thread) == PTHREAD_CANCELED);
    join(start(converses, NULL));

    /* Closed under the call, which keeps its queue; the number belongs to a new one then. */
    mqd_t old = queue, other = dup(queue);
    thread = start(receives_one, NULL);
    for (int i = 0; i < 5; i++) /* natively, too, an earlier close would be EBADF for the call */
        settle();
    show_sys(mq_close(old));
    mqd_t again = open_queue(O_EXCL);
    say("the same number %d\n", again == old);
    queue = again;
    must_sys(mq_send(other, "old", 4, 0));
    join(thread);
    pthread_t next = start(receives_one, NULL);
    settle();
    must_sys(mq_send(again, "newer", 6, 0));
    join(next);
    show_sys(mq_close(again));
    show_sys(mq_close(again));
    return finished();
}
