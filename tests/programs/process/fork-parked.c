/* SPDX-License-Identifier: MIT */
/* fork from main and from a thread while a hundred threads wait: the child is alone, its memory
 * and its thread-locals are those of the caller, the parent's threads go on. */
#include <dirent.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 100 };

static int pipes[2];
static __thread int local = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int threads_of_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void *waits(void *argument)
{
    char byte;
    expect(read(pipes[0], &byte, 1) == 1);
    return argument;
}

static int in_child(pthread_t self, int expected_local)
{
    pthread_mutex_lock(&lock);
    char *memory = malloc(100000);
    memset(memory, 1, 100000);
    free(memory);
    pthread_mutex_unlock(&lock);
    usleep(1000);
    return threads_of_process() == 1 && pthread_equal(self, pthread_self()) &&
                   local == expected_local && gettid() == getpid()
               ? 17
               : 1;
}

static void fork_and_wait(void)
{
    pthread_t self = pthread_self();
    int status, expected = local;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(in_child(self, expected));
    must_sys(waitpid(child, &status, 0));
    say("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

static void *forks(void *argument)
{
    local = 5;
    fork_and_wait();
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must_sys(pipe(pipes));
    start_many(threads, THREADS, waits);
    settle();
    fork_and_wait();
    join(start(forks, NULL));
    for (int i = 0; i < THREADS; i++)
        must_sys(write(pipes[1], "x", 1));
    join_many(threads, THREADS);
    return finished();
}
