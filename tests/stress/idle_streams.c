/* SPDX-License-Identifier: MIT */
/*
 * idle_streams readers|writers COUNT KERNEL_THREADS: COUNT threads wait in fgets, or in fwrite, on
 * streams over sockets; when all do, the process must come to have KERNEL_THREADS kernel threads
 * at most (0: a kernel thread for each). Then each gets a line and answers it, or is read from to the end.
 */
#include "stress.h"

#include <sys/resource.h>
#include <sys/socket.h>

enum { SETTLING_SECONDS = 20, MUCH = 1 << 20 };

static int (*ends)[2];
static _Atomic long arrived;
static char block[MUCH];

static void *reads(void *index)
{
    int fd = ends[(long)index][0];
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    char line[64];
    long number;
    CHECK(in && out);
    atomic_fetch_add(&arrived, 1);
    while (fgets(line, sizeof line, in)) {
        CHECK(sscanf(line, "question %ld", &number) == 1);
        CHECK(fprintf(out, "answer %ld of %ld\n", number, (long)index) > 0 && fflush(out) == 0);
    }
    CHECK(feof(in) && !ferror(in));
    CHECK(fclose(out) == 0 && fclose(in) == 0);
    return NULL;
}

static void *writes(void *index)
{
    FILE *out = fdopen(ends[(long)index][0], "w");
    CHECK(out);
    atomic_fetch_add(&arrived, 1);
    CHECK(fwrite(block, 1, MUCH, out) == MUCH);
    CHECK(fclose(out) == 0);
    return NULL;
}

static void ask(long index)
{
    char text[64], expected[64];
    FILE *peer = fdopen(dup(ends[index][1]), "r");
    for (long i = 0; i < 3; i++) {
        dprintf(ends[index][1], "question %ld\n", i);
        snprintf(expected, sizeof expected, "answer %ld of %ld\n", i, index);
        CHECK(fgets(text, sizeof text, peer) && strcmp(text, expected) == 0);
    }
    fclose(peer);
    close(ends[index][1]);
}

static void drain(long index)
{
    static char data[65536];
    ssize_t got;
    size_t total = 0;
    while ((got = read(ends[index][1], data, sizeof data)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            CHECK(data[i] == block[total + (size_t)i]);
        total += (size_t)got;
    }
    CHECK(got == 0 && total == MUCH);
    close(ends[index][1]);
}

static long await_one_each(long count)
{
    int64_t end = now_ns() + SETTLING_SECONDS * INT64_C(1000000000);
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    long threads;
    while ((threads = process_status("Threads")) < count && now_ns() < end)
        nanosleep(&pause, NULL);
    CHECK(threads >= count);
    return threads;
}

int main(int argc, char **argv)
{
    bool reading = argc > 1 && strcmp(argv[1], "readers") == 0;
    long count = argument(argc, argv, 2, 1000), most = argument(argc, argv, 3, 0);
    struct rlimit limit = {(rlim_t)count * 4 + 64, (rlim_t)count * 4 + 64};
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    ends = calloc((size_t)count, sizeof *ends);
    CHECK(threads && ends);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (size_t i = 0; i < MUCH; i++)
        block[i] = (char)(i * 2654435761u >> 13);
    for (long i = 0; i < count; i++)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) == 0);
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, reading ? reads : writes, (void *)i));
    while (atomic_load(&arrived) < count)
        nanosleep(&pause, NULL);
    long kernel_threads = most ? await_threads(most, SETTLING_SECONDS) : await_one_each(count);
    printf("threads %ld\n", kernel_threads);
    fflush(stdout);
    CHECK(!most || kernel_threads <= most);
    for (long i = 0; i < count; i++)
        reading ? ask(i) : drain(i);
    for (long i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL));
    return 0;
}
