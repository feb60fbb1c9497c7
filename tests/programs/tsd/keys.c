/* SPDX-License-Identifier: MIT */
/* Keys: deletion, reuse with no value left over, too many of them, bad ones. */
#include <limits.h>
#include <semaphore.h>

#include "check.h"

static pthread_key_t key;
static pthread_barrier_t step;

static void *routine(void *argument)
{
    must(pthread_setspecific(key, "old value"));
    pthread_barrier_wait(&step);
    /* Meanwhile main deletes the key and makes it anew. */
    pthread_barrier_wait(&step);
    expect(pthread_getspecific(key) == NULL);
    must(pthread_setspecific(key, "new value"));
    expect(strcmp(pthread_getspecific(key), "new value") == 0);
    return argument;
}

static void exhaust(void)
{
    static pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    int count = 0, error;
    while (count <= PTHREAD_KEYS_MAX && (error = pthread_key_create(&keys[count], NULL)) == 0)
        count++;
    say("too many keys: %s\n", error_name(error));
    expect(count > PTHREAD_KEYS_MAX / 2);
    for (int i = 0; i < count; i++) {
        expect(pthread_getspecific(keys[i]) == NULL);
        must(pthread_setspecific(keys[i], &keys[i]));
    }
    for (int i = 0; i < count; i++)
        expect(pthread_getspecific(keys[i]) == &keys[i]);
    while (count > 0)
        must(pthread_key_delete(keys[--count]));
}

static void *exhausts(void *argument)
{
    exhaust();
    return argument;
}

int main(void)
{
    must(pthread_barrier_init(&step, NULL, 2));
    must(pthread_key_create(&key, NULL));
    pthread_t thread = start(routine, NULL);
    pthread_barrier_wait(&step);
    show(pthread_key_delete(key));
    show(pthread_key_delete(key));
    show(pthread_setspecific(key, "x"));
    pthread_key_t anew;
    must(pthread_key_create(&anew, NULL));
    key = anew;
    pthread_barrier_wait(&step);
    join(thread);
    show(pthread_key_delete((pthread_key_t)PTHREAD_KEYS_MAX));
    show(pthread_setspecific((pthread_key_t)PTHREAD_KEYS_MAX, "x"));
    exhaust();
    join(start(exhausts, NULL));
    return finished();
}
