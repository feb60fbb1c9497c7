/* SPDX-License-Identifier: MIT */
/*
 * parked COUNT KERNEL_THREADS: COUNT threads block, half in read() on pipes, half on one condition;
 * when all do, the process must come to have KERNEL_THREADS kernel threads at most (0: not looked at).
 * Then all are woken and joined, and every result is looked at.
 */
#include "stress.h"

enum { PIPES = 4000, SETTLING_SECONDS = 20 };

static int pipes[PIPES][2];
static long pipe_count;
static _Atomic long arrived;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static bool released;
static long count;

static void arrive(void)
{
    if (atomic_fetch_add(&arrived, 1) + 1 == count)
        pthread_cond_signal(&all_here);
}

static void *park(void *index)
{
    long number = (long)index;
    char byte = 0;
    MUST(pthread_mutex_lock(&mutex));
    arrive();
    if (number % 2)
        while (!released)
            MUST(pthread_cond_wait(&cond, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
    if (number % 2 == 0)
        CHECK(read(pipes[number / 2 % pipe_count][0], &byte, 1) == 1 && byte == 'w');
    return (void *)(number * 7 + 1);
}

static long count_maps(void)
{
    long lines = 0;
    int c;
    FILE *file = fopen("/proc/self/maps", "re");
    CHECK(file);
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void report(long threads)
{
    printf("kernel threads %ld, resident %ld MB, page tables %ld MB, mappings %ld\n", threads,
           process_status("VmRSS") / 1024, process_status("VmPTE") / 1024, count_maps());
    printf("VmRSS %ld\nVmPTE %ld\nmaps %ld\n", process_status("VmRSS"), process_status("VmPTE"),
           count_maps());
    fflush(stdout);
}

int main(int argc, char **argv)
{
    count = argument(argc, argv, 1, 1000);
    long most = argument(argc, argv, 2, 0);
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    CHECK(threads);
    pipe_count = count / 2 < PIPES ? (count + 1) / 2 : PIPES;
    for (long i = 0; i < pipe_count; i++)
        CHECK(pipe(pipes[i]) == 0);

    int64_t start = now_ns();
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, park, (void *)i));
    MUST(pthread_mutex_lock(&mutex));
    while (atomic_load(&arrived) < count)
        MUST(pthread_cond_wait(&all_here, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
    printf("%ld threads made in %.2f s\n", count, (double)(now_ns() - start) / 1e9);

    if (most)
        report(await_threads(most, SETTLING_SECONDS));
    start = now_ns();
    MUST(pthread_mutex_lock(&mutex));
    released = true;
    MUST(pthread_cond_broadcast(&cond));
    MUST(pthread_mutex_unlock(&mutex));
    for (long i = 0; i < count; i += 2)
        CHECK(write(pipes[i / 2 % pipe_count][1], "w", 1) == 1);
    for (long i = 0; i < count; i++) {
        void *result;
        MUST(pthread_join(threads[i], &result));
        CHECK((long)result == i * 7 + 1);
    }
    printf("all woken and joined in %.2f s\n", (double)(now_ns() - start) / 1e9);
    return 0;
}
