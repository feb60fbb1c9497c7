/* SPDX-License-Identifier: MIT */
/*
 * crowd MOST: makes threads that block until there is none to be had (EAGAIN) or there are MOST;
 * ends them all; and must then be able to make about as many again. Prints how many.
 */
#include "stress.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long round_over;

static void *wait_for_end(void *of_round)
{
    MUST(pthread_mutex_lock(&mutex));
    while (round_over < (long)of_round)
        MUST(pthread_cond_wait(&changed, &mutex));
    MUST(pthread_mutex_unlock(&mutex));
    return of_round;
}

static long fill(pthread_t *threads, long most, long number, int *error)
{
    long made = 0;
    *error = 0;
    while (made < most) {
        *error = pthread_create(&threads[made], NULL, wait_for_end, (void *)number);
        if (*error)
            break;
        made++;
    }
    return made;
}

static void empty(pthread_t *threads, long made, long number)
{
    MUST(pthread_mutex_lock(&mutex));
    round_over = number;
    MUST(pthread_cond_broadcast(&changed));
    MUST(pthread_mutex_unlock(&mutex));
    for (long i = 0; i < made; i++) {
        void *result;
        MUST(pthread_join(threads[i], &result));
        CHECK((long)result == number);
    }
}

int main(int argc, char **argv)
{
    static pthread_t threads[100000];
    long most = argument(argc, argv, 1, 1000), made[3];
    for (long number = 1; number <= 3; number++) {
        int error;
        long here = made[number - 1] = fill(threads, most, number, &error);
        CHECK(error == 0 || error == EAGAIN);
        empty(threads, here, number);
    }
    printf("made %ld %ld %ld of %ld\n", made[0], made[1], made[2], most);
    return made[1] >= made[0] * 9 / 10 && made[2] >= made[0] * 9 / 10 ? 0 : 1;
}
