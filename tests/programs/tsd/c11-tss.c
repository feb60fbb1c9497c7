/* SPDX-License-Identifier: MIT */
/* C11 thread-specific storage and _Thread_local. */
#include <threads.h>

#include "check.h"

enum { THREADS = 20 };

static tss_t slot;
static _Thread_local int local = 5;
static int destroyed;

static void destroy(void *value)
{
    destroyed += *(int *)value;
    free(value);
}

static int routine(void *argument)
{
    int *value = malloc(sizeof *value);
    *value = 1;
    expect(tss_get(slot) == NULL && local == 5);
    expect(tss_set(slot, value) == thrd_success);
    local = index_of(argument);
    thrd_yield();
    expect(tss_get(slot) == value && local == index_of(argument));
    return local;
}

int main(void)
{
    int sum = 0, result;
    expect(tss_create(&slot, destroy) == thrd_success);
    for (int i = 0; i < THREADS; i++) {
        thrd_t thread;
        expect(thrd_create(&thread, routine, (void *)(intptr_t)i) == thrd_success);
        expect(thrd_join(thread, &result) == thrd_success);
        sum += result;
    }
    say("sum %d, destroyed %d\n", sum, destroyed);
    tss_delete(slot);
    return finished();
}
