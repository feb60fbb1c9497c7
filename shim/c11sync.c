/* SPDX-License-Identifier: MIT */
/*
 * C11 mutexes and condition variables: threads.h(0p). glibc: nptl/mtx_lock.c, cnd_wait.c ...
 * glibc's mtx_t and cnd_t are its pthread_mutex_t and pthread_cond_t, made by the same
 * initialisers, so these are the functions of mutex.c and cond.c with other results.
 * mtx_init, mtx_destroy, cnd_init and cnd_destroy remain glibc's; call_once is in once.c.
 */
#include "sync.h"

#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "one object");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "one object");

static pthread_mutex_t *mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *cond_of(cnd_t *cond)
{
    return (pthread_cond_t *)(void *)cond;
}

/* glibc: thrd_err_map. */
static int result_of(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

UT_EXPORT int mtx_lock(mtx_t *mutex)
{
    return result_of(ut_mutex_lock(mutex_of(mutex)));
}

UT_EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict abstime)
{
    return result_of(pthread_mutex_timedlock(mutex_of(mutex), abstime));
}

UT_EXPORT int mtx_trylock(mtx_t *mutex)
{
    return result_of(pthread_mutex_trylock(mutex_of(mutex)));
}

UT_EXPORT int mtx_unlock(mtx_t *mutex)
{
    return result_of(ut_mutex_unlock(mutex_of(mutex)));
}

UT_EXPORT int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return result_of(pthread_cond_wait(cond_of(cond), mutex_of(mutex)));
}

UT_EXPORT int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                            const struct timespec *restrict abstime)
{
    return result_of(pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), abstime));
}

UT_EXPORT int cnd_signal(cnd_t *cond)
{
    return result_of(pthread_cond_signal(cond_of(cond)));
}

UT_EXPORT int cnd_broadcast(cnd_t *cond)
{
    return result_of(pthread_cond_broadcast(cond_of(cond)));
}
