/* SPDX-License-Identifier: MIT */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include <stdint.h>

enum { ROOM_TEXT = 256 }; /* longest message, with its terminating zero */

enum room_news {
    ROOM_MESSAGE, /* text holds the message */
    ROOM_NOTHING, /* the time is up */
    ROOM_LOST,    /* so old that it is no longer kept */
    ROOM_CLOSED,
};

void room_open(void);

/* Keeps the message and wakes everyone who waits. Returns its number; the first one is 1. */
uint64_t room_say(const char *text);

/* Waits until message `after` + 1 has been said. A negative time waits for ever. */
enum room_news room_wait(uint64_t after, long milliseconds, char text[ROOM_TEXT]);

/* Waits until at least `count` threads sit in room_wait() and no message has released them. */
enum room_news room_gather(unsigned count);

/* Everyone in the room, and everyone who comes later, is told ROOM_CLOSED. */
void room_close(void);

#endif
