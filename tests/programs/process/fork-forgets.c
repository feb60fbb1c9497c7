/* SPDX-License-Identifier: MIT */
/*
 * The child of a process with threads has none of them, and begins with threads of its own: a signal for
 * the process goes to these, a parent's thread is not found by its id, and has no CPU clock.
 */
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 20, ROUNDS = 50 };

static pid_t ids[THREADS];
static clockid_t clocks[THREADS];
static sem_t known, leave, handled;
static __thread int has_been_born_here;
static volatile int taken;

static void handle(int number)
{
    expect(number == SIGUSR1 && has_been_born_here);
    taken++;
    sem_post(&handled);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore))
        ;
}

static void *of_the_parent(void *argument)
{
    int index = index_of(argument);
    must(pthread_getcpuclockid(pthread_self(), &clocks[index]));
    ids[index] = gettid();
    sem_post(&known);
    wait_for(&leave);
    return NULL;
}

static void *of_the_child(void *argument)
{
    sigset_t none;
    sigemptyset(&none);
    has_been_born_here = 1;
    must(pthread_sigmask(SIG_SETMASK, &none, NULL));
    sem_post(&known);
    wait_for(&leave);
    return argument;
}

static int in_child(void)
{
    struct timespec time;
    pthread_t thread;
    for (int i = 0; i < THREADS; i++) {
        expect(tgkill(getpid(), ids[i], 0) == -1 && errno == ESRCH);
        expect(clock_gettime(clocks[i], &time) == -1 && errno == EINVAL);
    }
    sem_init(&known, 0, 0);
    sem_init(&leave, 0, 0);
    thread = start(of_the_child, NULL); /* with SIGUSR1 blocked, as it is here */
    wait_for(&known);
    for (int i = 0; i < THREADS; i++) { /* which are virtual, now that there are threads */
        expect(tgkill(getpid(), ids[i], 0) == -1 && errno == ESRCH);
        expect(clock_gettime(clocks[i], &time) == -1 && errno == EINVAL);
    }
    for (int i = 0; i < ROUNDS; i++) {
        must_sys(kill(getpid(), SIGUSR1));
        wait_for(&handled);
    }
    say("the child's thread took %d\n", taken);
    sem_post(&leave);
    join(thread);
    return finished();
}

static void *fork_and_wait(void *unused)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0)
        _exit(in_child());
    must_sys(waitpid(child, &status, 0));
    say("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    sigset_t one, before;
    sem_init(&known, 0, 0);
    sem_init(&leave, 0, 0);
    sem_init(&handled, 0, 0);
    signal(SIGUSR1, handle);
    start_many(threads, THREADS, of_the_parent);
    for (int i = 0; i < THREADS; i++)
        wait_for(&known);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &one, &before));
    fork_and_wait(NULL);
    join(start(fork_and_wait, NULL));
    for (int i = 0; i < THREADS; i++)
        sem_post(&leave);
    join_many(threads, THREADS);
    return finished();
}
