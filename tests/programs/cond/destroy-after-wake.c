/* SPDX-License-Identifier: MIT */
/* A condition variable may be destroyed and its memory reused as soon as its waiters were
 * woken. */
#include "check.h"

enum { ROUNDS = 1000 };

struct call {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static struct call *volatile current;
static pthread_barrier_t step;

static void *answers(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&step);
        struct call *call = current;
        must(pthread_mutex_lock(&call->lock));
        call->is_done = true;
        must(pthread_cond_signal(&call->done));
        must(pthread_mutex_unlock(&call->lock));
        pthread_barrier_wait(&step);
    }
    return argument;
}

int main(void)
{
    must(pthread_barrier_init(&step, NULL, 2));
    pthread_t thread = start(answers, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct call *call = malloc(sizeof *call);
        must(pthread_mutex_init(&call->lock, NULL));
        must(pthread_cond_init(&call->done, NULL));
        call->is_done = false;
        current = call;
        must(pthread_mutex_lock(&call->lock));
        pthread_barrier_wait(&step);
        while (!call->is_done)
            must(pthread_cond_wait(&call->done, &call->lock));
        must(pthread_mutex_unlock(&call->lock));
        must(pthread_cond_destroy(&call->done));
        memset(&call->done, 0xff, sizeof call->done);
        pthread_barrier_wait(&step);
        must(pthread_mutex_destroy(&call->lock));
        free(call);
    }
    join(thread);
    return finished();
}
