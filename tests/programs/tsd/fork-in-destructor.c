/* SPDX-License-Identifier: MIT */
/* fork in the destructor of a key: the child goes on with the end of its thread, alone or beside one that it
 * has made, and ends when that ends. */
#include <sys/wait.h>

#include "check.h"

static pthread_key_t key;
static char alone, beside_another;

static void *ends_the_process(void *unused)
{
    settle();
    exit(5);
    return unused;
}

static void forks(void *value)
{
    int status;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        if (value == &beside_another)
            start(ends_the_process, NULL);
        return;
    }
    must_sys(waitpid(child, &status, 0));
    say("exited %d, %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

static void *returns(void *value)
{
    must(pthread_setspecific(key, value));
    return NULL;
}

static void *exits(void *value)
{
    must(pthread_setspecific(key, value));
    pthread_exit(NULL);
}

int main(void)
{
    must(pthread_key_create(&key, forks));
    join(start(returns, &alone));
    join(start(returns, &beside_another));
    join(start(exits, &alone));
    join(start(exits, &beside_another));
    return finished();
}
