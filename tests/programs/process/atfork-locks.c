/* SPDX-License-Identifier: MIT */
/* Handlers of pthread_atfork that take a library's lock before a fork and release it on both sides, as the manual
 * suggests, while many threads use that lock and many fork: no child finds it taken. */
#include <sys/wait.h>

#include "check.h"

enum { FORKERS = 6, USERS = 10, FORKS = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long pair[2];
static int stop;

static void prepare(void)
{
    pthread_mutex_lock(&lock);
}

static void release(void)
{
    pthread_mutex_unlock(&lock);
}

static void *uses(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&lock);
        pair[0]++;
        if (index_of(argument) % 2)
            usleep(50);
        pair[1]++;
        pthread_mutex_unlock(&lock);
        usleep(10);
    }
    return NULL;
}

static void *forks(void *argument)
{
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t child = (pid_t)must_sys(fork());
        if (child == 0) {
            pthread_mutex_lock(&lock);
            _exit(pair[0] == pair[1] ? 0 : 1);
        }
        must_sys(waitpid(child, &status, 0));
        expect(status == 0);
    }
    return argument;
}

int main(void)
{
    pthread_t users[USERS], forkers[FORKERS];
    must(pthread_atfork(prepare, release, release));
    start_many(users, USERS, uses);
    start_many(forkers, FORKERS, forks);
    join_many(forkers, FORKERS);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    join_many(users, USERS);
    return finished();
}
