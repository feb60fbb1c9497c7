/* SPDX-License-Identifier: MIT */
/* exit() while a hundred threads are being cancelled, some with handlers that block, some that wait
 * for the lock that the exiting thread holds: the process ends with its status, and flushes. */
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 100 };

static int pipes[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void takes_lock(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

static void blocks(void *argument)
{
    char byte;
    (void)argument;
    read(pipes[0], &byte, 1);
}

static void *routine(void *argument)
{
    char byte;
    pthread_cleanup_push(index_of(argument) % 3 ? takes_lock : blocks, NULL);
    if (index_of(argument) % 2)
        for (;;)
            read(pipes[0], &byte, 1);
    for (;;)
        usleep(1000);
    pthread_cleanup_pop(0);
    return NULL;
}

static void at_exit(void)
{
    printf("atexit\n");
}

static void *exits(void *argument)
{
    printf("unflushed\n");
    exit(index_of(argument));
}

static void child(int way)
{
    pthread_t threads[THREADS];
    atexit(at_exit);
    start_many(threads, THREADS, routine);
    must(pthread_mutex_lock(&lock));
    for (int i = 0; i < THREADS; i++)
        must(pthread_cancel(threads[i]));
    if (way == 0)
        exits((void *)40);
    join(start(exits, (void *)41));
}

int main(void)
{
    must_sys(pipe(pipes));
    for (int way = 0; way < 2; way++)
        for (int i = 0; i < 5; i++) {
            int status;
            pid_t process = (pid_t)must_sys(fork());
            if (process == 0)
                child(way);
            must_sys(waitpid(process, &status, 0));
            say("exited %d, status %d\n", WIFEXITED(status), WEXITSTATUS(status));
        }
    return finished();
}
