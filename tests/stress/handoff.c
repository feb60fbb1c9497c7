/* SPDX-License-Identifier: MIT */
/*
 * handoff HOGS SECONDS BOUND_MS KERNEL_THREADS: HOGS threads compute without end while a hundred
 * connections are served by others. 99 of 100 requests must be answered within BOUND_MS; there are at
 * most KERNEL_THREADS + HOGS kernel threads, and one more for every eight hogs, which serves the others;
 * and KERNEL_THREADS again soon after the hogs have ended.
 */
#include "stress.h"

#include <sys/socket.h>

enum { PER_RELIEF = 8, CONNECTIONS = 100, SAMPLES = 1 << 20, SETTLING_SECONDS = 15 };

static int pairs[CONNECTIONS][2];
static _Atomic bool stop, stop_hogs;
static _Atomic long sample_count;
static float samples[SAMPLES]; /* milliseconds */
static pthread_barrier_t hogs_run;

static void *compute(void *unused)
{
    unsigned long number = 1;
    pthread_barrier_wait(&hogs_run);
    while (!atomic_load_explicit(&stop_hogs, memory_order_relaxed))
        number = number * 6364136223846793005ul + 1;
    return number ? unused : NULL;
}

static void *serve(void *index)
{
    int fd = pairs[(long)index][0];
    char text[64];
    ssize_t length;
    while ((length = read(fd, text, sizeof text)) > 0)
        CHECK(write(fd, text, (size_t)length) == length);
    CHECK(length == 0);
    return index;
}

/* Like a client elsewhere: it thinks between two requests, so that it is not the load itself. */
static void *ask(void *index)
{
    int fd = pairs[(long)index][1];
    struct timespec think = {.tv_nsec = 20 * 1000 * 1000};
    while (!atomic_load(&stop)) {
        char answer[8];
        int64_t start = now_ns();
        CHECK(write(fd, "request", 7) == 7 && read(fd, answer, 7) == 7);
        long sample = atomic_fetch_add(&sample_count, 1);
        if (sample < SAMPLES)
            samples[sample] = (float)(now_ns() - start) / 1e6f;
        nanosleep(&think, NULL);
    }
    CHECK(shutdown(fd, SHUT_WR) == 0);
    return index;
}

static int compare(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static float judge_samples(long hogs)
{
    long count = atomic_load(&sample_count) < SAMPLES ? atomic_load(&sample_count) : SAMPLES;
    CHECK(count >= CONNECTIONS);
    qsort(samples, (size_t)count, sizeof *samples, compare);
    float p99 = samples[count * 99 / 100];
    printf("%ld hogs, %ld requests: median %.2f ms, p99 %.2f ms, slowest %.2f ms\n", hogs, count,
           (double)samples[count / 2], (double)p99, (double)samples[count - 1]);
    return p99;
}

int main(int argc, char **argv)
{
    long hogs = argument(argc, argv, 1, 2), seconds = argument(argc, argv, 2, 3);
    long bound = argument(argc, argv, 3, 200), kernel_threads = argument(argc, argv, 4, 0);
    pthread_t servers[CONNECTIONS], clients[CONNECTIONS], hog_threads[hogs];
    struct timespec time = {.tv_sec = seconds};
    MUST(pthread_barrier_init(&hogs_run, NULL, (unsigned)hogs + 1));
    for (long i = 0; i < CONNECTIONS; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
        MUST(pthread_create(&servers[i], NULL, serve, (void *)i));
        MUST(pthread_create(&clients[i], NULL, ask, (void *)i));
    }
    for (long i = 0; i < hogs; i++)
        MUST(pthread_create(&hog_threads[i], NULL, compute, NULL));
    pthread_barrier_wait(&hogs_run);
    nanosleep(&time, NULL);
    long most = process_status("Threads");
    atomic_store(&stop, true);
    for (int i = 0; i < CONNECTIONS; i++)
        MUST(pthread_join(clients[i], NULL));
    atomic_store(&stop_hogs, true);
    for (long i = 0; i < hogs; i++)
        MUST(pthread_join(hog_threads[i], NULL));
    for (int i = 0; i < CONNECTIONS; i++)
        MUST(pthread_join(servers[i], NULL));

    float p99 = judge_samples(hogs);
    long left = kernel_threads ? await_threads(kernel_threads, SETTLING_SECONDS) : 0;
    printf("kernel threads: %ld with hogs, %ld later\n", most, left);
    fflush(stdout);
    CHECK(p99 < (float)bound);
    CHECK(!kernel_threads || (most <= kernel_threads + hogs + hogs / PER_RELIEF && left <= kernel_threads));
    return 0;
}
