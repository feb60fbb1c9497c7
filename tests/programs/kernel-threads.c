/* SPDX-License-Identifier: MIT */
/*
 * Prints how many kernel threads carry fifty threads that wait. Natively one each and main's; under
 * unthread fewer. The harness asks this first, so that a preload that does nothing cannot pass.
 */
#include <dirent.h>

#include "check.h"

enum { THREADS = 50 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting;
static bool go;

static void *waits(void *argument)
{
    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (!go)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

static int kernel_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, waits);
    pthread_mutex_lock(&lock);
    while (waiting < THREADS)
        pthread_cond_wait(&changed, &lock);
    say("%d\n", kernel_threads());
    go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    join_many(threads, THREADS);
    return 0;
}
