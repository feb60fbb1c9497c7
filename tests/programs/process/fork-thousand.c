/* SPDX-License-Identifier: MIT */
/* fork by main and by a thread while a thousand threads wait in different calls: the child makes threads of its
 * own that wait in the same ways, and the parent's thousand go on. */
#include <poll.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 1000, IN_CHILD = 100, WAYS = 5 };

static int pipes[2], waiting;
static pthread_mutex_t lock, held;
static pthread_cond_t changed;
static bool over;

static void wait_somehow(int way)
{
    char byte;
    struct pollfd waits = {.fd = pipes[0], .events = POLLIN};
    switch (way) {
    case 0:
        pthread_mutex_lock(&held);
        pthread_mutex_unlock(&held);
        break;
    case 1:
        pthread_mutex_lock(&lock);
        while (!over)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        break;
    case 2: expect(poll(&waits, 1, -1) == 1); break;
    case 3: expect(read(pipes[0], &byte, 1) == 0); break;
    default:
        while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST))
            usleep(20000);
    }
}

static void *waits(void *argument)
{
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    wait_somehow(index_of(argument) % WAYS);
    return argument;
}

static void prepare(void)
{
    must_sys(pipe(pipes));
    pthread_mutex_init(&lock, NULL);
    pthread_mutex_init(&held, NULL);
    pthread_cond_init(&changed, NULL);
    pthread_mutex_lock(&held);
    over = false;
    waiting = 0;
}

static void start_and_await(pthread_t *threads, int count)
{
    start_many(threads, count, waits);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < count)
        usleep(1000);
    settle();
}

static void release(pthread_t *threads, int count)
{
    pthread_mutex_unlock(&held);
    pthread_mutex_lock(&lock);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    close(pipes[1]);
    join_many(threads, count);
}

static int in_child(void)
{
    static pthread_t threads[IN_CHILD];
    close(pipes[0]);
    close(pipes[1]);
    prepare();
    start_and_await(threads, IN_CHILD);
    release(threads, IN_CHILD);
    return broken_expectations ? 1 : 7;
}

static void *forks(void *argument)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(in_child());
    must_sys(waitpid(child, &status, 0));
    say("child: exited %d, %d\n", WIFEXITED(status), WEXITSTATUS(status));
    return argument;
}

int main(void)
{
    static pthread_t threads[THREADS];
    prepare();
    start_and_await(threads, THREADS);
    forks(NULL);
    join(start(forks, NULL));
    release(threads, THREADS);
    say("all went on\n");
    return finished();
}
