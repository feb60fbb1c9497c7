/* SPDX-License-Identifier: MIT */
/* Every way to sleep: not early, the rest is zero, errors for bad arguments. */
#include "check.h"

static void sleep_until(clockid_t clock)
{
    struct timespec until = deadline_on(clock, 40);
    int64_t begin = now_ns();
    show(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
    say("%s\n", elapsed_word(begin, 39));
    begin = now_ns();
    struct timespec forty = {0, 40 * MILLISECOND}, past = {1, 0};
    show(clock_nanosleep(clock, 0, &forty, NULL));
    say("%s\n", elapsed_word(begin, 40));
    show(clock_nanosleep(clock, TIMER_ABSTIME, &past, NULL));
}

static void *routine(void *argument)
{
    struct timespec forty = {0, 40 * MILLISECOND}, bad = {0, SECOND}, negative = {-1, 0};
    struct timespec zero = {0, 0}, rest = {7, 7};
    int64_t begin = now_ns();
    show_sys(nanosleep(&forty, &rest));
    say("%s, rest untouched %d\n", elapsed_word(begin, 40), rest.tv_sec == 7 && rest.tv_nsec == 7);
    begin = now_ns();
    show_sys(usleep(40000));
    say("%s\n", elapsed_word(begin, 40));
    show_sys(sleep(0));
    show_sys(nanosleep(&zero, NULL));
    show_sys(nanosleep(&bad, NULL));
    show_sys(nanosleep(&negative, NULL));
    show_sys(nanosleep(NULL, NULL));
    sleep_until(CLOCK_MONOTONIC);
    sleep_until(CLOCK_REALTIME);
    sleep_until(CLOCK_BOOTTIME);
    sleep_until(CLOCK_TAI);
    show(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &forty, NULL));
    show(clock_nanosleep(77, 0, &forty, NULL));
    show(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL));
    return argument;
}

int main(void)
{
    routine(NULL);
    join(start(routine, NULL));
    return finished();
}
