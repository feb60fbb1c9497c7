/* SPDX-License-Identifier: MIT */
/* Forty threads write records of up to PIPE_BUF bytes to one pipe: none is torn. */
#include <limits.h>

#include "check.h"

enum { WRITERS = 40, RECORDS = 25 };

static int pipes[2];

static void *writes(void *argument)
{
    char record[PIPE_BUF];
    int size = 100 + index_of(argument) * 99;
    memset(record, index_of(argument) + 1, (size_t)size);
    memcpy(record, &size, sizeof size);
    for (int i = 0; i < RECORDS; i++)
        expect(write(pipes[1], record, (size_t)size) == size);
    return NULL;
}

static void read_fully(void *buffer, size_t size)
{
    for (size_t done = 0; done < size;)
        done += (size_t)must_sys(read(pipes[0], (char *)buffer + done, size - done));
}

int main(void)
{
    pthread_t threads[WRITERS];
    int per_writer[WRITERS] = {0};
    must_sys(pipe(pipes));
    start_many(threads, WRITERS, writes);
    for (int i = 0; i < WRITERS * RECORDS; i++) {
        char record[PIPE_BUF];
        int size;
        read_fully(&size, sizeof size);
        expect(size >= 100 && size <= PIPE_BUF);
        read_fully(record, (size_t)size - sizeof size);
        for (size_t k = 1; k < (size_t)size - sizeof size; k++)
            expect(record[k] == record[0]);
        per_writer[record[0] - 1]++;
    }
    join_many(threads, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        expect(per_writer[i] == RECORDS);
    return finished();
}
