/* SPDX-License-Identifier: MIT */
/* Mutexes, rwlocks, joins, barriers and once never return EINTR; the handler runs nevertheless,
 * and a condition wait goes on or returns 0. */
#include <signal.h>

#include "check.h"

enum { KINDS = 5, SIGNALS = 15 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, for_cond = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_t joined;
static int handled[KINDS], pipes[2];
static bool go;
static __thread int mine = -1;

static void handle(int number)
{
    (void)number;
    if (mine >= 0)
        __atomic_fetch_add(&handled[mine], 1, __ATOMIC_SEQ_CST);
}

static void *returns_after_byte(void *argument)
{
    char byte;
    while (read(pipes[0], &byte, 1) != 1)
        ;
    return argument;
}

static void *blocks(void *argument)
{
    mine = index_of(argument);
    switch (mine) {
    case 0:
        must(pthread_mutex_lock(&lock));
        must(pthread_mutex_unlock(&lock));
        break;
    case 1:
        must(pthread_rwlock_rdlock(&rwlock));
        must(pthread_rwlock_unlock(&rwlock));
        break;
    case 2:
        must(pthread_mutex_lock(&for_cond));
        while (!go)
            must(pthread_cond_wait(&changed, &for_cond));
        must(pthread_mutex_unlock(&for_cond));
        break;
    case 3:
        expect(pthread_barrier_wait(&barrier) <= 0);
        break;
    default:
        must(pthread_join(joined, NULL));
    }
    return NULL;
}

static void release_all(void)
{
    must(pthread_mutex_unlock(&lock));
    must(pthread_rwlock_unlock(&rwlock));
    must(pthread_mutex_lock(&for_cond));
    go = true;
    must(pthread_cond_signal(&changed));
    must(pthread_mutex_unlock(&for_cond));
    pthread_barrier_wait(&barrier);
    must_sys(write(pipes[1], "x", 1));
}

int main(void)
{
    pthread_t threads[KINDS];
    struct sigaction action = {.sa_handler = handle};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    must_sys(pipe(pipes));
    must(pthread_barrier_init(&barrier, NULL, 2));
    must(pthread_mutex_lock(&lock));
    must(pthread_rwlock_wrlock(&rwlock));
    joined = start(returns_after_byte, NULL);
    start_many(threads, KINDS, blocks);
    settle();
    for (int i = 0; i < KINDS; i++) {
        for (int k = 0; k < SIGNALS || __atomic_load_n(&handled[i], __ATOMIC_SEQ_CST) == 0; k++) {
            must(pthread_kill(threads[i], SIGUSR1));
            usleep(500);
        }
    }
    release_all();
    join_many(threads, KINDS);
    for (int i = 0; i < KINDS; i++)
        expect(handled[i] > 0);
    return finished();
}
