/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <err.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file;
static unsigned long answers;

void journal_open(const char *path)
{
    if (path && !(file = fopen(path, "ae")))
        err(1, "%s", path);
}

void journal_write(const char *target, int status, size_t length)
{
    pthread_mutex_lock(&lock);
    answers++;
    if (file) {
        fprintf(file, "%lu %d %zu %s\n", answers, status, length, target);
        fflush(file);
    }
    pthread_mutex_unlock(&lock);
}

void journal_close(void)
{
    if (file && fclose(file) != 0)
        warn("journal");
}
