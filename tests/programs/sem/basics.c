/* SPDX-License-Identifier: MIT */
/* Values, EAGAIN, EOVERFLOW, EINVAL, and time-outs that are not early. */
#include <limits.h>
#include <semaphore.h>

#include "check.h"

static sem_t sem;

static void *routine(void *argument)
{
    struct timespec past = {1, 0}, bad = {1, -1};
    show_sys(sem_trywait(&sem));
    int64_t begin = now_ns();
    struct timespec soon = deadline_on(CLOCK_REALTIME, 50);
    show_sys(sem_timedwait(&sem, &soon));
    say("%s\n", elapsed_word(begin, 49));
    begin = now_ns();
    soon = deadline_on(CLOCK_MONOTONIC, 50);
    show_sys(sem_clockwait(&sem, CLOCK_MONOTONIC, &soon));
    say("%s\n", elapsed_word(begin, 49));
    show_sys(sem_timedwait(&sem, &past));
    show_sys(sem_timedwait(&sem, &bad));
    show_sys(sem_clockwait(&sem, CLOCK_PROCESS_CPUTIME_ID, &past));
    show_sys(sem_post(&sem));
    show_sys(sem_timedwait(&sem, &past));
    show_sys(sem_post(&sem));
    show_sys(sem_wait(&sem));
    return argument;
}

int main(void)
{
    int value;
    show_sys(sem_init(&sem, 0, (unsigned)SEM_VALUE_MAX + 1));
    show_sys(sem_init(&sem, 0, 2));
    show_sys(sem_wait(&sem));
    show_sys(sem_getvalue(&sem, &value));
    say("value %d\n", value);
    show_sys(sem_trywait(&sem));
    routine(NULL);
    join(start(routine, NULL));
    show_sys(sem_destroy(&sem));
    show_sys(sem_init(&sem, 0, SEM_VALUE_MAX));
    show_sys(sem_post(&sem));
    return finished();
}
