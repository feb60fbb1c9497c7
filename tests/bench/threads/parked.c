/* SPDX-License-Identifier: MIT */
/* parked THREADS: threads that wait at a condition variable. Says "parked N" when N of them do
 * (fewer, if no more can be made), waits for a line of input, lets them go, and ends when all have.
 */
#include "measure.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER, arrived = PTHREAD_COND_INITIALIZER;
static long there;
static int over;

static void *wait_for_end(void *argument)
{
    pthread_mutex_lock(&lock);
    there++;
    pthread_cond_signal(&arrived);
    while (!over)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(int count, char **arguments)
{
    long wanted = number_at(1, count, arguments), made = 0;
    pthread_t *all = calloc((size_t)wanted, sizeof *all);
    uint64_t began = now_ns();

    while (made < wanted && pthread_create(&all[made], NULL, wait_for_end, NULL) == 0)
        made++;
    pthread_mutex_lock(&lock);
    while (there < made)
        pthread_cond_wait(&arrived, &lock);
    pthread_mutex_unlock(&lock);
    say("seconds", (double)(now_ns() - began) / 1e9);
    say("parked", (double)made);
    (void)getchar();
    pthread_mutex_lock(&lock);
    over = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (long i = 0; i < made; i++)
        pthread_join(all[i], NULL);
    return 0;
}
