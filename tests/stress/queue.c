/* SPDX-License-Identifier: MIT */
/*
 * queue COUNT KERNEL_THREADS: COUNT threads wait in mq_receive on one queue; while all wait, the
 * process must have KERNEL_THREADS kernel threads at most (0: not looked at). Then COUNT messages are
 * sent, some by threads that wait for room, and each is received once.
 */
#include "stress.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>

enum { SETTLING_SECONDS = 20, MOST = 4096, ROOM = 4 };

static mqd_t queue;
static _Atomic long arrived;
static _Atomic int seen[MOST];

static void *receive(void *unused)
{
    long number;
    atomic_fetch_add(&arrived, 1);
    CHECK(mq_receive(queue, (char *)&number, sizeof number, NULL) == sizeof number);
    CHECK(number >= 0 && number < MOST && atomic_fetch_add(&seen[number], 1) == 0);
    return unused;
}

static void *transmit(void *number)
{
    CHECK(mq_send(queue, (char *)&number, sizeof number, 0) == 0);
    return NULL;
}

int main(int argc, char **argv)
{
    static pthread_t receivers[MOST], senders[MOST];
    struct mq_attr attr = {.mq_maxmsg = ROOM, .mq_msgsize = sizeof(long)};
    long count = argument(argc, argv, 1, 300), most = argument(argc, argv, 2, 0);
    char name[64];
    snprintf(name, sizeof name, "/stress-queue-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    CHECK(count <= MOST && queue != (mqd_t)-1 && mq_unlink(name) == 0);
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&receivers[i], NULL, receive, NULL));
    while (atomic_load(&arrived) < count)
        sched_yield();
    usleep(300000); /* the last ones have arrived, but may not be in their call */
    long kernel_threads = most ? await_threads(most, SETTLING_SECONDS) : process_status("Threads");
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&senders[i], NULL, transmit, (void *)i));
    for (long i = 0; i < count; i++) {
        MUST(pthread_join(senders[i], NULL));
        MUST(pthread_join(receivers[i], NULL));
    }
    for (long i = 0; i < count; i++)
        CHECK(atomic_load(&seen[i]) == 1);
    printf("kernel threads %ld\n", kernel_threads);
    CHECK(!most || kernel_threads <= most);
    return 0;
}
