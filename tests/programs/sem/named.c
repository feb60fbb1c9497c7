/* SPDX-License-Identifier: MIT */
/* Named semaphores: creation, EEXIST, ENOENT, the same object for one name, use across fork. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/wait.h>

#include "check.h"

static char name[64];
static sem_t *sem;

static void *waits(void *argument)
{
    must_sys(sem_wait(sem));
    return argument;
}

int main(void)
{
    pthread_t threads[6];
    int status;
    snprintf(name, sizeof name, "/programs-%d", (int)getpid());
    expect(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    expect(sem != SEM_FAILED);
    expect(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
    expect(sem_open("/with/slash", O_CREAT, 0600, 0) == SEM_FAILED);
    say("slash: %s\n", error_name(errno));
    sem_t *again = sem_open(name, 0);
    expect(again == sem);
    start_many(threads, 6, waits);
    settle();
    for (int i = 0; i < 3; i++)
        must_sys(sem_post(again));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        for (int i = 0; i < 3; i++)
            must_sys(sem_post(sem));
        _exit(0);
    }
    must_sys(waitpid(child, &status, 0));
    join_many(threads, 6);
    show_sys(sem_close(again));
    show_sys(sem_close(sem));
    show_sys(sem_unlink(name));
    show_sys(sem_unlink(name));
    return finished();
}
