/* SPDX-License-Identifier: MIT */
/*
 * plugins LIBRARY SECONDS: threads come and go, wait and use a library's thread-locals while the library
 * is loaded and unloaded. Each thread must find them fresh, and keep its own.
 */
#include "stress.h"

#include <dlfcn.h>
#include <sched.h>

enum { USERS = 40, STEPS = 50 };

static _Atomic bool stop;
static const char *library;
static _Atomic long uses;

static void *use(void *unused)
{
    void *handle = dlopen(library, RTLD_NOW);
    if (!handle)
        dprintf(2, "%s\n", dlerror());
    CHECK(handle);
    long (*step)(void) = (long (*)(void))dlsym(handle, "plugin_step");
    long *(*variable)(void) = (long *(*)(void))dlsym(handle, "plugin_variable");
    CHECK(step && variable);
    long *own = variable();
    for (long i = 0; i < STEPS; i++) {
        CHECK(step() == i);
        sched_yield();
        CHECK(variable() == own && *own == 4712 + i);
    }
    CHECK(dlclose(handle) == 0);
    atomic_fetch_add(&uses, 1);
    return unused;
}

/* Waits with the library loaded before or after its own birth, in turn. */
static void *come_and_go(void *unused)
{
    while (!atomic_load(&stop)) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, use, NULL));
        MUST(pthread_join(thread, NULL));
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[USERS];
    CHECK(argc > 1);
    library = argv[1];
    struct timespec time = {.tv_sec = argument(argc, argv, 2, 3)};
    for (int i = 0; i < USERS; i++)
        MUST(pthread_create(&threads[i], NULL, come_and_go, NULL));
    nanosleep(&time, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < USERS; i++)
        MUST(pthread_join(threads[i], NULL));
    use(NULL);
    CHECK(atomic_load(&uses) > USERS);
    printf("%ld uses\n", atomic_load(&uses));
    return 0;
}
