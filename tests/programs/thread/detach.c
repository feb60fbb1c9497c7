/* SPDX-License-Identifier: MIT */
/* Detaching: after creation, by attribute, by the thread itself; joining a detached thread
 * fails. */
#include <semaphore.h>

#include "check.h"

static sem_t release, ended;

static void *waits(void *argument)
{
    sem_wait(&release);
    sem_post(&ended);
    return argument;
}

static void *detaches_itself(void *argument)
{
    show(pthread_detach(pthread_self()));
    show(pthread_detach(pthread_self()));
    sem_post(&ended);
    return argument;
}

static void detached_after_creation(void)
{
    pthread_t thread = start(waits, NULL);
    show(pthread_detach(thread));
    show(pthread_detach(thread));
    show(pthread_join(thread, NULL));
    show(pthread_tryjoin_np(thread, NULL));
    sem_post(&release);
    sem_wait(&ended);
}

static void detached_by_attribute(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    must(pthread_attr_init(&attr));
    must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    show(pthread_create(&thread, &attr, waits, NULL));
    show(pthread_join(thread, NULL));
    show(pthread_detach(thread));
    must(pthread_attr_destroy(&attr));
    sem_post(&release);
    sem_wait(&ended);
}

int main(void)
{
    sem_init(&release, 0, 0);
    sem_init(&ended, 0, 0);
    detached_after_creation();
    detached_by_attribute();
    start(detaches_itself, NULL);
    sem_wait(&ended);
    return finished();
}
