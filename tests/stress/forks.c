/* SPDX-License-Identifier: MIT */
/*
 * forks COUNT: while a thousand threads wait and some work, main and threads fork COUNT children; each
 * child makes a thread of its own, uses malloc and pipes, and reports by its exit status.
 */
#include "stress.h"

#include <sys/wait.h>

enum { PARKED = 1000, FORKERS = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released_cond = PTHREAD_COND_INITIALIZER;
static bool released;
static long forks_each;
static _Atomic long children;

static void *park(void *index)
{
    MUST(pthread_mutex_lock(&mutex));
    while (!released)
        MUST(pthread_cond_wait(&released_cond, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
    return index;
}

static void *write_one(void *fd)
{
    CHECK(write((int)(long)fd, "c", 1) == 1);
    return fd;
}

static int be_child(void)
{
    pthread_t thread;
    int ends[2];
    char byte;
    void *result;
    free(malloc(3000));
    CHECK(pipe(ends) == 0);
    MUST(pthread_create(&thread, NULL, write_one, (void *)(long)ends[1]));
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'c');
    MUST(pthread_join(thread, &result));
    CHECK((long)result == ends[1]);
    return 17;
}

static void *keep_forking(void *unused)
{
    for (long i = 0; i < forks_each; i++) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(be_child());
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 17)
            dprintf(2, "a child's status: %#x\n", status);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 17);
        atomic_fetch_add(&children, 1);
    }
    return unused;
}

int main(int argc, char **argv)
{
    static pthread_t threads[PARKED];
    pthread_t forkers[FORKERS];
    forks_each = argument(argc, argv, 1, 100) / (FORKERS + 1);
    for (long i = 0; i < PARKED; i++)
        MUST(pthread_create(&threads[i], NULL, park, (void *)i));
    for (int i = 0; i < FORKERS; i++)
        MUST(pthread_create(&forkers[i], NULL, keep_forking, NULL));
    keep_forking(NULL);
    for (int i = 0; i < FORKERS; i++)
        MUST(pthread_join(forkers[i], NULL));
    MUST(pthread_mutex_lock(&mutex));
    released = true;
    MUST(pthread_cond_broadcast(&released_cond));
    MUST(pthread_mutex_unlock(&mutex));
    for (long i = 0; i < PARKED; i++) {
        void *result;
        MUST(pthread_join(threads[i], &result));
        CHECK((long)result == i);
    }
    printf("%ld children\n", atomic_load(&children));
    return 0;
}
