/* SPDX-License-Identifier: MIT */
/* A process-shared mutex and condition variable in shared memory, threads on both sides. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 500 };

static struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int counter, done;
} *shared;

static void *routine(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        must(pthread_mutex_lock(&shared->lock));
        shared->counter++;
        must(pthread_mutex_unlock(&shared->lock));
    }
    must(pthread_mutex_lock(&shared->lock));
    shared->done++;
    must(pthread_cond_broadcast(&shared->changed));
    must(pthread_mutex_unlock(&shared->lock));
    return argument;
}

static void init(void)
{
    pthread_mutexattr_t mutex_attr;
    pthread_condattr_t cond_attr;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(pthread_mutexattr_init(&mutex_attr));
    must(pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED));
    must(pthread_mutex_init(&shared->lock, &mutex_attr));
    must(pthread_condattr_init(&cond_attr));
    must(pthread_condattr_setpshared(&cond_attr, PTHREAD_PROCESS_SHARED));
    must(pthread_cond_init(&shared->changed, &cond_attr));
}

static void *waits_for_all(void *argument)
{
    must(pthread_mutex_lock(&shared->lock));
    while (shared->done < 2 * THREADS)
        must(pthread_cond_wait(&shared->changed, &shared->lock));
    must(pthread_mutex_unlock(&shared->lock));
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    int status;
    init();
    pid_t child = (pid_t)must_sys(fork());
    start_many(threads, THREADS, routine);
    pthread_t waiter = start(waits_for_all, NULL);
    join_many(threads, THREADS);
    join(waiter);
    if (child == 0)
        _exit(shared->counter == 2 * THREADS * ROUNDS ? 0 : 1);
    must_sys(waitpid(child, &status, 0));
    say("child's status %d, counter %d\n", status, shared->counter);
    return finished();
}
