/* SPDX-License-Identifier: MIT */
/* Name look-ups. `matrix` has seen to it that the name server takes every question and answers none;
 * the resolver asks once and gives up after a second. */
#include "abuse.h"

#include <netdb.h>

static void look_up(long index)
{
    char name[64];
    snprintf(name, sizeof name, "silent-%ld.example.", index);
    abuse_enter();
    do {
        struct addrinfo *found = NULL;
        int64_t start = now_ns();
        int result = getaddrinfo(name, "80", NULL, &found);
        if (result != EAI_AGAIN)
            dprintf(2, "getaddrinfo: %s\n", gai_strerror(result));
        CHECK(result == EAI_AGAIN && !found);
        CHECK(now_ns() - start >= 500 * 1000 * 1000); /* else nobody was made to wait */
    } while (!atomic_load(&over));
}

const struct abuse abuse_look_ups = {.name = "look-ups", .commit = look_up};
