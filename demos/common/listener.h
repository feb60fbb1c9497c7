/* SPDX-License-Identifier: MIT */
#ifndef DEMO_LISTENER_H
#define DEMO_LISTENER_H

/* Listens on 127.0.0.1 at `port` (text; 0 lets the kernel choose), lifts the descriptor limit to
 * what is allowed and prints "listening on PORT". Returns the socket, or ends the program with a
 * message. */
int listener_open(const char *port);

/* From now on SIGTERM and SIGINT make the next or current accept() on `listener` fail. */
void listener_stop_on_signal(int listener);

#endif
