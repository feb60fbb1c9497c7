/* SPDX-License-Identifier: MIT */
/* A library opened while threads exist: its symbols work in every thread, and in later ones. */
#include <dlfcn.h>

#include "check.h"

enum { THREADS = 20 };

static double (*cosine)(double);
static pthread_barrier_t step;

static void *routine(void *argument)
{
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    expect(cosine(0) == 1);
    void *again = dlopen("libm.so.6", RTLD_NOW);
    expect(again != NULL);
    expect(dlsym(again, "no_such_symbol") == NULL && dlerror() != NULL);
    expect(dlerror() == NULL);
    expect(dlclose(again) == 0);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    must(pthread_barrier_init(&step, NULL, THREADS + 1));
    start_many(threads, THREADS, routine);
    pthread_barrier_wait(&step);
    void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    expect(library != NULL);
    cosine = (double (*)(double))dlsym(library, "cos");
    expect(cosine != NULL);
    pthread_barrier_wait(&step);
    join_many(threads, THREADS);
    expect(dlopen("no-such-library.so", RTLD_NOW) == NULL);
    dlclose(library);
    return finished();
}
