/* SPDX-License-Identifier: MIT */
/* Thread names: inherited from the creator, set and read by oneself and by others, ERANGE. */
#include <semaphore.h>
#include <sys/prctl.h>

#include "check.h"

static sem_t ready, release;

static void say_name(const char *whose, pthread_t thread)
{
    char name[16];
    must(pthread_getname_np(thread, name, sizeof name));
    say("%s: %s\n", whose, name);
}

static void *routine(void *argument)
{
    char name[16], small[4];
    say_name("inherited", pthread_self());
    show(pthread_setname_np(pthread_self(), "worker"));
    show_sys(prctl(PR_GET_NAME, name));
    say("prctl says %s\n", name);
    show_sys(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    say_name("set by prctl", pthread_self());
    show(pthread_getname_np(pthread_self(), small, sizeof small));
    show(pthread_setname_np(pthread_self(), "sixteen-letters!"));
    sem_post(&ready);
    sem_wait(&release);
    say_name("set by main", pthread_self());
    return argument;
}

int main(void)
{
    sem_init(&ready, 0, 0);
    sem_init(&release, 0, 0);
    show(pthread_setname_np(pthread_self(), "master"));
    pthread_t thread = start(routine, NULL);
    sem_wait(&ready);
    say_name("seen from main", thread);
    show(pthread_setname_np(thread, "renamed"));
    sem_post(&release);
    join(thread);
    say_name("main's own", pthread_self());
    return finished();
}
