/* SPDX-License-Identifier: MIT */
/* A thread on a stack of the program's own runs there, says so, and leaves it to the program. */
#include <sys/mman.h>

#include "check.h"

enum { SIZE = 256 << 10, THREADS = 8 };

static char *stacks[THREADS];

static void *routine(void *argument)
{
    char *mine = stacks[index_of(argument)];
    char local;
    pthread_attr_t attr;
    void *address;
    size_t size;
    must(pthread_getattr_np(pthread_self(), &attr));
    must(pthread_attr_getstack(&attr, &address, &size));
    must(pthread_attr_destroy(&attr));
    expect(&local > mine && &local < mine + SIZE);
    expect(address == mine);
    expect(size == SIZE);
    return mine;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t attr;
    must(pthread_attr_init(&attr));
    for (int i = 0; i < THREADS; i++) {
        stacks[i] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        expect(stacks[i] != MAP_FAILED);
        must(pthread_attr_setstack(&attr, stacks[i], SIZE));
        must(pthread_create(&threads[i], &attr, routine, (void *)(intptr_t)i));
    }
    for (int i = 0; i < THREADS; i++)
        expect(join(threads[i]) == stacks[i]);
    for (int i = 0; i < THREADS; i++) {
        memset(stacks[i], 0x55, SIZE);
        show_sys(munmap(stacks[i], SIZE));
    }
    return finished();
}
