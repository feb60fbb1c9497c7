/* SPDX-License-Identifier: MIT */
/*
 * Thread-specific data: pthread_key_create(3p). The values live in glibc's own TCB, which every
 * coroutine has, so pthread_getspecific and pthread_setspecific need no interposition. Only
 * the destructors are remembered here: glibc would run them when its start_thread returns,
 * and a coroutine never returns there.
 */
#include "keys.h"

#include "real.h"

#include <limits.h>
#include <threads.h>

typedef void destructor_function(void *);

/* By key. Written by the owner of a key, read by threads that end. */
static _Atomic(destructor_function *) destructors[PTHREAD_KEYS_MAX];
static _Atomic unsigned keys_end; /* above the highest key that ever was */

static void remember(unsigned key, destructor_function *destructor)
{
    unsigned end = atomic_load(&keys_end);
    atomic_store(&destructors[key], destructor);
    while (end <= key && !atomic_compare_exchange_weak(&keys_end, &end, key + 1))
        ;
}

UT_EXPORT int pthread_key_create(pthread_key_t *key, destructor_function *destructor)
{
    int result = real(pthread_key_create)(key, destructor);
    if (result == 0)
        remember(*key, destructor);
    return result;
}
UT_ALIAS(__pthread_key_create, pthread_key_create);

UT_EXPORT int pthread_key_delete(pthread_key_t key)
{
    if (key < PTHREAD_KEYS_MAX)
        atomic_store(&destructors[key], NULL);
    return real(pthread_key_delete)(key);
}

UT_EXPORT int tss_create(tss_t *key, tss_dtor_t destructor)
{
    int result = real(tss_create)(key, destructor);
    if (result == thrd_success)
        remember(*key, destructor);
    return result;
}

UT_EXPORT void tss_delete(tss_t key)
{
    if (key < PTHREAD_KEYS_MAX)
        atomic_store(&destructors[key], NULL);
    real(tss_delete)(key);
}

/* One round over all keys: false if there was nothing to do. */
static bool destroy_round(void)
{
    unsigned end = atomic_load(&keys_end);
    bool any = false;
    for (unsigned key = 0; key < end; key++) {
        void *value = pthread_getspecific(key);
        if (!value)
            continue;
        pthread_setspecific(key, NULL);
        destructor_function *destructor = atomic_load(&destructors[key]);
        if (destructor) {
            any = true;
            destructor(value);
        }
    }
    return any;
}

void ut_keys_destroy(void)
{
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++)
        if (!destroy_round())
            return;
}

void ut_keys_drop(void)
{
    unsigned end = atomic_load(&keys_end);
    for (unsigned key = 0; key < end; key++)
        if (pthread_getspecific(key))
            pthread_setspecific(key, NULL);
}
