/* SPDX-License-Identifier: MIT */
/* A handler jumps out of a syscall(), which is no cancellation point; afterwards the thread can be
 * cancelled as before. A handler that ends the thread there does so. */
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>

#include "check.h"

static sigjmp_buf back;
static int pipes[2];
static volatile sig_atomic_t ends;
static sem_t ready;

static void handle(int number)
{
    (void)number;
    if (ends)
        pthread_exit("of the handler");
    siglongjmp(back, 1);
}

static void clean_up(void *argument)
{
    say("clean-up %s\n", (const char *)argument);
}

static void *routine(void *argument)
{
    int state;
    char byte;
    pthread_cleanup_push(clean_up, "of the thread");
    if (sigsetjmp(back, 1) == 0) {
        must_sys(sem_post(&ready));
        for (;;)
            syscall(SYS_read, pipes[0], &byte, 1);
    }
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state));
    say("enabled after the jump: %d\n", state == PTHREAD_CANCEL_ENABLE);
    must(pthread_cancel(pthread_self()));
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return argument;
}

static const char *run(void)
{
    pthread_t thread = start(routine, NULL);
    must_sys(sem_wait(&ready));
    settle();
    must(pthread_kill(thread, SIGUSR1));
    void *result = join(thread);
    return result == PTHREAD_CANCELED ? "canceled" : result ? (const char *)result : "NULL";
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    must_sys(pipe(pipes));
    must_sys(sem_init(&ready, 0, 0));
    must_sys(sigaction(SIGUSR1, &action, NULL));
    say("%s\n", run());
    ends = 1;
    say("%s\n", run());
    return finished();
}
