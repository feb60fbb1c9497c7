/* SPDX-License-Identifier: MIT */
/* Each new thread finds its __thread variables as initialised, after thousands have come and
 * gone who wrote to them: nothing leaks from a thread into one that reuses its memory. */
#include <locale.h>

#include "check.h"

enum { ROUNDS = 40, THREADS = 50 };

static __thread int zero, seven = 7;
static __thread char text[64] = "initial";
static __thread char large[20000];
static __thread int *own_address;
static __attribute__((aligned(64))) __thread char aligned_to_line;
static pthread_key_t key;

static void *routine(void *argument)
{
    expect(zero == 0 && seven == 7);
    expect(strcmp(text, "initial") == 0);
    for (size_t i = 0; i < sizeof large; i += 500)
        expect(large[i] == 0);
    expect(own_address == NULL);
    expect((uintptr_t)&aligned_to_line % 64 == 0);
    expect(errno == 0);
    expect(pthread_getspecific(key) == NULL);
    own_address = &zero;
    zero = seven = 99;
    memset(text, 'x', sizeof text);
    memset(large, 'x', sizeof large);
    errno = EDOM;
    sched_yield();
    must(pthread_setspecific(key, argument));
    expect(own_address == &zero);
    if (index_of(argument) % 2)
        pthread_exit(NULL);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    must(pthread_key_create(&key, NULL));
    for (int i = 0; i < ROUNDS; i++) {
        start_many(threads, THREADS, routine);
        join_many(threads, THREADS);
    }
    expect(seven == 7);
    return finished();
}
