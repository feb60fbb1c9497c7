/* SPDX-License-Identifier: MIT */
/* pthread_getattr_np about another thread, and about the main thread from another thread. */
#include <semaphore.h>

#include "check.h"

static sem_t ready, release;
static char *local_of_thread;
static pthread_t main_thread;
static char *local_of_main;

static bool contains(pthread_t thread, const char *address)
{
    pthread_attr_t attr;
    void *low;
    size_t size;
    must(pthread_getattr_np(thread, &attr));
    must(pthread_attr_getstack(&attr, &low, &size));
    must(pthread_attr_destroy(&attr));
    return address >= (char *)low && address < (char *)low + size;
}

static void *routine(void *argument)
{
    char local;
    local_of_thread = &local;
    say("main's stack contains main's local: %d\n", contains(main_thread, local_of_main));
    say("main's stack contains my local: %d\n", contains(main_thread, &local));
    sem_post(&ready);
    sem_wait(&release);
    return argument;
}

int main(void)
{
    char local;
    sem_init(&ready, 0, 0);
    sem_init(&release, 0, 0);
    main_thread = pthread_self();
    local_of_main = &local;
    pthread_t thread = start(routine, NULL);
    sem_wait(&ready);
    say("thread's stack contains its local: %d\n", contains(thread, local_of_thread));
    say("thread's stack contains main's local: %d\n", contains(thread, &local));
    sem_post(&release);
    join(thread);
    return finished();
}
