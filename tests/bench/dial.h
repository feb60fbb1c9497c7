/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

/* Lifts the descriptor limit to what is allowed; ends the program if `connections` do not fit. */
void dial_prepare(unsigned connections);

/* Starts a non-blocking connection number `index` to 127.0.0.1:`port`. Returns the socket or
 * -errno. */
int dial_start(unsigned index, unsigned port);

/* The outcome, once the socket is writable: 0 or -errno. */
int dial_outcome(int socket);

#endif
