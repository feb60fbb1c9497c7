/* SPDX-License-Identifier: MIT */
/* What the small thread programs share. Each measures one thing and prints lines "name value"; it runs
 * natively and under unthread, and knows of neither. */
#ifndef MEASURE_H
#define MEASURE_H

#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of the whole process, user and system. */
static inline uint64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static inline void say(const char *name, double value)
{
    printf("%s %.3f\n", name, value);
    fflush(stdout);
}

/* The number that the command line has at `place`; ends the program if there is none. */
static inline long number_at(int place, int count, char **arguments)
{
    long value = place < count ? strtol(arguments[place], NULL, 10) : 0;

    if (value <= 0)
        errx(2, "argument %d: not a number above 0", place);
    return value;
}

static inline pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);

    if (error)
        errx(1, "pthread_create: %s", strerror(error));
    return thread;
}

#endif
