/* SPDX-License-Identifier: MIT */
/* Asynchronous cancellation of a thread that only computes. */
#include "check.h"

static void *computes(void *argument)
{
    volatile unsigned long count = 0;
    must(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    for (;;)
        count = count + 1;
    return argument;
}

int main(void)
{
    pthread_t threads[4];
    start_many(threads, 4, computes);
    settle();
    for (int i = 0; i < 4; i++)
        must(pthread_cancel(threads[i]));
    for (int i = 0; i < 4; i++)
        expect(join(threads[i]) == PTHREAD_CANCELED);
    return finished();
}
