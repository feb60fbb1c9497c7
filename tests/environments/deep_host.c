/* SPDX-License-Identifier: MIT */
/* deep_host PLUGIN: opens a library with RTLD_DEEPBIND, as some servers open their modules, and has
 * fifty threads wait in it. Says whether they were kernel threads of their own. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 50 };

static int count_kernel_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int pipes[2];
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND) : NULL;
    void *(*waits)(void *) = library ? (void *(*)(void *))dlsym(library, "plugin_waits") : NULL;
    _Atomic int *arrived = library ? dlsym(library, "plugin_arrived") : NULL;
    if (!waits || !arrived || pipe(pipes) < 0)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, waits, &pipes[0]))
            return 1;
    /* Past the preload each would hold a kernel thread before the next one comes. */
    while (*arrived < THREADS)
        usleep(1000);
    printf("%s\n", count_kernel_threads() >= THREADS ? "kernel threads" : "coroutines");
    for (int i = 0; i < THREADS; i++)
        if (write(pipes[1], "x", 1) != 1)
            return 1;
    long sum = 0;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld\n", sum);
    return 0;
}
