/* SPDX-License-Identifier: MIT */
/* pthread_getattr_np tells the truth: a local lies inside, the size is what was asked, it begins and ends with a page,
 * and the whole of it can be written. Garbage collectors and language runtimes rely on all of that; the Java
 * machine puts a guard of its own at the lower end, and leaves it there: whose stack it is next must be able to use
 * all of it again. */
#include <sys/mman.h>

#include "check.h"

enum { OWN_GUARD = 16 << 10 };

static void *routine(void *argument)
{
    size_t asked = (size_t)argument, size, guard;
    pthread_attr_t attr;
    void *address;
    int detach;
    char local;
    must(pthread_getattr_np(pthread_self(), &attr));
    must(pthread_attr_getstack(&attr, &address, &size));
    must(pthread_attr_getguardsize(&attr, &guard));
    must(pthread_attr_getdetachstate(&attr, &detach));
    must(pthread_attr_destroy(&attr));
    const char *low = address;
    expect(&local > low && &local < low + size);
    expect(size >= asked);
    expect(size <= asked + (64 << 10));
    say("asked %zu: guard %zu, detach state %d\n", asked, guard, detach);
    /* 8 KB stay for the frames that are in use now. */
    volatile char *deep = __builtin_alloca(asked - (24 << 10));
    for (size_t i = 0; i < asked - (24 << 10); i += 1024)
        deep[i] = 1;
    expect((const char *)deep >= low);
    expect((uintptr_t)low % 4096 == 0 && size % 4096 == 0);
    if (asked >= 128 << 10)
        expect(mmap(address, OWN_GUARD, PROT_NONE,
                    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == address);
    return NULL;
}

int main(void)
{
    static const size_t sizes[] = {32 << 10, 64 << 10, 152 << 10, 200 << 10, 252 << 10, 256 << 10, 1 << 20, 8 << 20, 64 << 20};
    pthread_attr_t attr;
    pthread_t thread;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        must(pthread_attr_init(&attr));
        must(pthread_attr_setstacksize(&attr, sizes[i]));
        must(pthread_create(&thread, &attr, routine, (void *)sizes[i]));
        join(thread);
        must(pthread_attr_destroy(&attr));
    }
    return finished();
}
