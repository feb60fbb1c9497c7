/* SPDX-License-Identifier: MIT */
/* tryjoin, timedjoin and clockjoin: EBUSY, ETIMEDOUT not early, EINVAL, and success with a
 * value. */
#include <semaphore.h>

#include "check.h"

static sem_t release;

static void *routine(void *argument)
{
    sem_wait(&release);
    return argument;
}

static void time_out(pthread_t thread)
{
    void *result;
    struct timespec past = {1, 0};
    int64_t begin = now_ns();
    struct timespec soon = deadline_on(CLOCK_REALTIME, 60);
    show(pthread_timedjoin_np(thread, &result, &soon));
    say("timedjoin %s\n", elapsed_word(begin, 60));
    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 60);
    show(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &soon));
    say("clockjoin %s\n", elapsed_word(begin, 60));
    show(pthread_timedjoin_np(thread, &result, &past));
    show(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &past));
    show(pthread_clockjoin_np(thread, &result, CLOCK_PROCESS_CPUTIME_ID, &past));
}

int main(void)
{
    void *result = NULL;
    sem_init(&release, 0, 0);
    pthread_t thread = start(routine, (void *)42);
    show(pthread_tryjoin_np(thread, &result));
    time_out(thread);
    expect(result == NULL);
    sem_post(&release);
    struct timespec late = deadline_on(CLOCK_MONOTONIC, 10000);
    show(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &late));
    expect(result == (void *)42);

    thread = start(routine, (void *)43);
    sem_post(&release);
    int error;
    while ((error = pthread_tryjoin_np(thread, &result)) == EBUSY)
        sched_yield();
    say("tryjoin at last %s\n", error_name(error));
    expect(result == (void *)43);

    thread = start(routine, (void *)44);
    sem_post(&release);
    show(pthread_timedjoin_np(thread, NULL, NULL));
    return finished();
}
