/* SPDX-License-Identifier: MIT */
/* Twenty threads wait in a function that debuggers are to find by name; ends when its input ends.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int over, waiting;

__attribute__((noinline)) void waits_to_be_found(void)
{
    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (!over)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void *routine(void *argument)
{
    waits_to_be_found();
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, routine, NULL);
    pthread_mutex_lock(&lock);
    while (waiting < THREADS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    puts("ready");
    fflush(stdout);
    getchar();
    pthread_mutex_lock(&lock);
    over = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    puts("over");
    return 0;
}
