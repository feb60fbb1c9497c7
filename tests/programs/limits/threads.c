/* SPDX-License-Identifier: MIT */
/* With an address space of 1 GB, threads with 64 MB stacks run out: EAGAIN, and recovery. */
#include <semaphore.h>
#include <sys/resource.h>

#include "check.h"

static sem_t release;

static void *waits(void *argument)
{
    sem_wait(&release);
    return argument;
}

int main(void)
{
    pthread_t threads[64];
    pthread_attr_t attr;
    int count = 0, error = 0;
    struct rlimit limit = {1 << 30, 1 << 30};
    sem_init(&release, 0, 0);
    must_sys(setrlimit(RLIMIT_AS, &limit));
    must(pthread_attr_init(&attr));
    must(pthread_attr_setstacksize(&attr, 64 << 20));
    while (count < 64 && (error = pthread_create(&threads[count], &attr, waits, NULL)) == 0)
        count++;
    say("%s\n", error_name(error));
    expect(count >= 1 && count < 16);
    for (int i = 0; i < count; i++)
        sem_post(&release);
    join_many(threads, count);
    show(pthread_create(&threads[0], &attr, waits, NULL));
    sem_post(&release);
    join(threads[0]);
    return finished();
}
