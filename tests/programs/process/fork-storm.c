/* SPDX-License-Identifier: MIT */
/* Thirty forks while sixteen threads allocate, print and lock: no child inherits a lock that
 * nobody will release. */
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 16, FORKS = 30 };

static int stop;
static FILE *sink;

static void *works(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        char *memory = malloc(1000 + (size_t)index_of(argument) * 500);
        fprintf(sink, "%d", index_of(argument));
        free(memory);
        usleep(100);
    }
    return NULL;
}

static void *forks(void *argument)
{
    long good = 0;
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t child = (pid_t)must_sys(fork());
        if (child == 0) {
            for (int k = 0; k < 100; k++)
                free(malloc(2000));
            fprintf(sink, "child");
            fflush(sink);
            _exit(3);
        }
        must_sys(waitpid(child, &status, 0));
        good += WIFEXITED(status) && WEXITSTATUS(status) == 3;
    }
    (void)argument;
    return (void *)good;
}

int main(void)
{
    pthread_t threads[THREADS];
    sink = fopen("/dev/null", "w");
    start_many(threads, THREADS, works);
    say("from main %ld\n", (long)forks(NULL));
    say("from a thread %ld\n", (long)join(start(forks, NULL)));
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    join_many(threads, THREADS);
    return finished();
}
