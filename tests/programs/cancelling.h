/* SPDX-License-Identifier: MIT */
/* Cancels a thread in each of a list of blocking calls: PTHREAD_CANCELED, and its handler ran. */
#ifndef CANCELLING_H
#define CANCELLING_H

#include "check.h"

struct blocking_call {
    const char *name;
    void (*block)(void); /* does not return unless cancelled; says nothing before */
};

static inline void cancelling_clean_up(void *name)
{
    say("clean-up %s\n", (const char *)name);
}

static inline void *cancelling_thread(void *argument)
{
    const struct blocking_call *call = argument;
    pthread_cleanup_push(cancelling_clean_up, (void *)call->name);
    call->block();
    say("%s came back: %s\n", call->name, error_name(errno));
    pthread_cleanup_pop(0);
    return NULL;
}

/* AFTER is called when each thread has gone; may be NULL. */
static inline void cancel_in_each(const struct blocking_call *calls, int count, void (*after)(void))
{
    for (int i = 0; i < count; i++) {
        pthread_t thread = start(cancelling_thread, (void *)&calls[i]);
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
        if (after)
            after();
    }
}

#define CANCEL_IN_EACH(calls, after)                                                               \
    cancel_in_each(calls, (int)(sizeof(calls) / sizeof *(calls)), after)

#endif
