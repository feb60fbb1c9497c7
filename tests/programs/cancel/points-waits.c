/* SPDX-License-Identifier: MIT */
/* Cancelled in the timed waits for semaphores, conditions and threads, and in C11's: the mutexes
 * are held in the handlers, and the objects can be used afterwards. */
#include <semaphore.h>
#include <threads.h>

#include "cancelling.h"

static sem_t semaphore, shared;
static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static mtx_t c11_lock;
static cnd_t c11_changed;
static pthread_t target;
static int c11_lock_held, target_goes;
static const struct timespec far = {1l << 33, 0};

static void in_sem_timedwait(void)
{
    sem_timedwait(&semaphore, &far);
}

static void in_sem_clockwait(void)
{
    sem_clockwait(&semaphore, CLOCK_MONOTONIC, &far);
}

static void in_sem_wait_shared(void)
{
    sem_wait(&shared);
}

static void unlock(void *argument)
{
    (void)argument;
    show(pthread_mutex_unlock(&lock));
}

static void in_cond_timedwait(void)
{
    must(pthread_mutex_lock(&lock));
    pthread_cleanup_push(unlock, NULL);
    for (;;)
        pthread_cond_timedwait(&changed, &lock, &far);
    pthread_cleanup_pop(0);
}

static void unlock_c11(void *argument)
{
    (void)argument;
    c11_lock_held = mtx_trylock(&c11_lock) == thrd_busy;
    say("held in the handler: %d\n", c11_lock_held);
    mtx_unlock(&c11_lock);
}

static void in_cnd_wait(void)
{
    mtx_lock(&c11_lock);
    pthread_cleanup_push(unlock_c11, NULL);
    for (;;)
        cnd_wait(&c11_changed, &c11_lock);
    pthread_cleanup_pop(0);
}

static void in_cnd_timedwait(void)
{
    mtx_lock(&c11_lock);
    pthread_cleanup_push(unlock_c11, NULL);
    for (;;)
        cnd_timedwait(&c11_changed, &c11_lock, &far);
    pthread_cleanup_pop(0);
}

static void in_thrd_sleep(void)
{
    thrd_sleep(&far, NULL);
}

static void in_thrd_join(void)
{
    thrd_join(target, NULL);
}

static void in_timedjoin(void)
{
    pthread_timedjoin_np(target, NULL, &far);
}

static void in_clockjoin(void)
{
    pthread_clockjoin_np(target, NULL, CLOCK_MONOTONIC, &far);
}

static const struct blocking_call calls[] = {
    {"sem_timedwait", in_sem_timedwait},
    {"sem_clockwait", in_sem_clockwait},
    {"sem_wait of a shared one", in_sem_wait_shared},
    {"cond_timedwait", in_cond_timedwait},
    {"cnd_wait", in_cnd_wait},
    {"cnd_timedwait", in_cnd_timedwait},
    {"thrd_sleep", in_thrd_sleep},
    {"thrd_join", in_thrd_join},
    {"pthread_timedjoin_np", in_timedjoin},
    {"pthread_clockjoin_np", in_clockjoin},
};

static void still_good(void)
{
    must_sys(sem_post(&semaphore));
    must_sys(sem_wait(&semaphore));
    must_sys(sem_post(&shared));
    must_sys(sem_wait(&shared));
    must(pthread_mutex_lock(&lock));
    must(pthread_mutex_unlock(&lock));
    expect(mtx_trylock(&c11_lock) == thrd_success);
    mtx_unlock(&c11_lock);
}

static void *is_joined(void *argument)
{
    must(pthread_mutex_lock(&lock));
    while (!target_goes)
        must(pthread_cond_wait(&changed, &lock));
    must(pthread_mutex_unlock(&lock));
    return argument;
}

int main(void)
{
    must_sys(sem_init(&semaphore, 0, 0));
    must_sys(sem_init(&shared, 1, 0));
    expect(mtx_init(&c11_lock, mtx_plain) == thrd_success);
    expect(cnd_init(&c11_changed) == thrd_success);
    target = start(is_joined, "the target's value");
    CANCEL_IN_EACH(calls, still_good);
    must(pthread_mutex_lock(&lock));
    target_goes = 1;
    must(pthread_cond_broadcast(&changed));
    must(pthread_mutex_unlock(&lock));
    say("%s\n", (char *)join(target));
    return finished();
}
