/* SPDX-License-Identifier: MIT */
/* Threads that read one descriptor share its offset: every record is read by exactly one. */
#include <fcntl.h>

#include "check.h"

enum { THREADS = 20, RECORDS = 4000 };

static int file;
static unsigned char seen[RECORDS];

static void *reads(void *argument)
{
    int record;
    ssize_t n;
    while ((n = read(file, &record, sizeof record)) == sizeof record)
        __atomic_fetch_add(&seen[record], 1, __ATOMIC_RELAXED);
    expect(n == 0);
    return argument;
}

int main(void)
{
    static int records[RECORDS];
    pthread_t threads[THREADS];
    int once = 0;
    file = (int)must_sys(open("records", O_RDWR | O_CREAT, 0600));
    for (int i = 0; i < RECORDS; i++)
        records[i] = i;
    must_sys(write(file, records, sizeof records));
    must_sys(lseek(file, 0, SEEK_SET));
    start_many(threads, THREADS, reads);
    join_many(threads, THREADS);
    for (int i = 0; i < RECORDS; i++)
        once += seen[i] == 1;
    say("%d read once\n", once);
    unlink("records");
    return finished();
}
