/* SPDX-License-Identifier: MIT */
/* What a thread returns or passes to pthread_exit is what the joiner gets, bit for bit. */
#include "check.h"

static void *returns(void *argument)
{
    return argument;
}

static void *exits(void *argument)
{
    pthread_exit(argument);
}

static void *allocates(void *argument)
{
    (void)argument;
    return strdup("from the thread's heap");
}

int main(void)
{
    void *const values[] = {NULL, (void *)1, PTHREAD_CANCELED, (void *)INTPTR_MIN,
                            (void *)values};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        expect(join(start(returns, values[i])) == values[i]);
        expect(join(start(exits, values[i])) == values[i]);
    }
    char *text = join(start(allocates, NULL));
    say("%s\n", text);
    must(pthread_join(start(returns, text), NULL));
    free(text);
    return finished();
}
