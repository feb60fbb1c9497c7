/* SPDX-License-Identifier: MIT */
/*
 * What the stress programs share. A program checks itself: it exits with 0 when everything held,
 * with 1 and a line on standard error when something did not. It never times out by itself: `run`
 * has the deadline, and shows where every thread was when it passed.
 */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* At once, without the exit handlers: the other threads are in the middle of something. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(2, "%s:%d: does not hold: %s (errno %d)\n", __FILE__, __LINE__, #condition,    \
                    errno);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* For calls that return an error number. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        int must_error = (call);                                                                   \
        if (must_error) {                                                                          \
            dprintf(2, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(must_error));        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static inline int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline long argument(int count, char **words, int index, long otherwise)
{
    return index < count ? strtol(words[index], NULL, 0) : otherwise;
}

/* A line like "Threads:  7" of /proc/self/status; -1 if there is none. */
static inline long process_status(const char *field)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    CHECK(file);
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            value = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(file);
    return value;
}

/* Looks again and again, until the process has at most MOST kernel threads or SECONDS are over. */
static inline long await_threads(long most, int seconds)
{
    int64_t end = now_ns() + seconds * INT64_C(1000000000);
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    long threads;
    while ((threads = process_status("Threads")) > most && now_ns() < end)
        nanosleep(&pause, NULL);
    return threads;
}

/* A generator for each thread: xorshift, from any seed. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state ? *state : 0x9e3779b9u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif
