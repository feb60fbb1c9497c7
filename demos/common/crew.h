/* SPDX-License-Identifier: MIT */
#ifndef DEMO_CREW_H
#define DEMO_CREW_H

#include <stdbool.h>

struct crew_duty {
    void (*serve)(int socket); /* in a thread of its own; the crew then closes the socket */
    void (*stop)(void);        /* optional: wakes threads that wait for other things than sockets */
    bool joined;               /* threads are joined instead of detached */
};

/* One thread for each connection, until a signal shuts the listener; then shuts the connections and
 * returns when the last thread has left. */
void crew_serve(int listener, const struct crew_duty *duty);

#endif
