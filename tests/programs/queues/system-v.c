/* SPDX-License-Identifier: MIT */
/* System V message queues and semaphores between threads: waiting, EAGAIN, time-outs, removal. */
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "check.h"

struct text {
    long type;
    char body[16];
};

static int queue, semaphores;
static sem_t only_one_left;

static void *receives(void *argument)
{
    struct text text;
    show_sys(msgrcv(queue, &text, sizeof text.body, 2, 0));
    say("%s\n", text.body);
    show_sys(msgrcv(queue, &text, sizeof text.body, 0, 0));
    say("%s\n", text.body);
    show_sys(msgrcv(queue, &text, sizeof text.body, 0, IPC_NOWAIT));
    sem_post(&only_one_left);
    /* EIDRM from a wait, EINVAL if the queue was gone before the wait began. */
    long result = msgrcv(queue, &text, sizeof text.body, 0, 0);
    say("removed: %ld %d\n", result, errno == EIDRM || errno == EINVAL);
    return argument;
}

static void *takes(void *argument)
{
    struct sembuf take_three = {0, -3, 0}, try_one = {0, -1, IPC_NOWAIT}, take_one = {0, -1, 0};
    struct timespec forty = {0, 40 * MILLISECOND};
    show_sys(semop(semaphores, &take_three, 1));
    show_sys(semop(semaphores, &try_one, 1));
    int64_t begin = now_ns();
    show_sys(semtimedop(semaphores, &take_one, 1, &forty));
    say("%s\n", elapsed_word(begin, 40));
    sem_post(&only_one_left);
    show_sys(semop(semaphores, &take_one, 1));
    return argument;
}

static void use_messages(void)
{
    struct text one = {1, "first"}, two = {2, "second"};
    queue = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    pthread_t thread = start(receives, NULL);
    settle();
    must_sys(msgsnd(queue, &one, 6, 0));
    settle();
    must_sys(msgsnd(queue, &two, 7, 0));
    sem_wait(&only_one_left);
    settle();
    settle();
    must_sys(msgctl(queue, IPC_RMID, NULL));
    join(thread);
}

static void use_semaphores(void)
{
    struct sembuf add = {0, 1, 0};
    semaphores = (int)must_sys(semget(IPC_PRIVATE, 1, 0600));
    pthread_t thread = start(takes, NULL);
    for (int i = 0; i < 3; i++) {
        settle();
        must_sys(semop(semaphores, &add, 1));
    }
    sem_wait(&only_one_left);
    while (semctl(semaphores, 0, GETNCNT) != 1)
        sched_yield();
    must_sys(semctl(semaphores, 0, IPC_RMID));
    join(thread);
}

int main(void)
{
    must_sys(sem_init(&only_one_left, 0, 0));
    use_messages();
    use_semaphores();
    return finished();
}
