/* SPDX-License-Identifier: MIT */
#include "room.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { KEPT = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t said;     /* the one condition on which all listeners wait */
static pthread_cond_t gathered; /* `waiting` grew */
static char kept[KEPT][ROOM_TEXT];
static uint64_t last;
static unsigned waiting; /* threads that wait on `said` and that no message has released */
static bool closed;

void room_open(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&said, &attributes);
    pthread_cond_init(&gathered, &attributes);
    pthread_condattr_destroy(&attributes);
}

uint64_t room_say(const char *text)
{
    uint64_t number;

    pthread_mutex_lock(&lock);
    number = ++last;
    snprintf(kept[number % KEPT], ROOM_TEXT, "%s", text);
    /* Those released are still on their way out of pthread_cond_wait(), but must not be counted by
     * room_gather() any more: it would take the audience of this message for that of the next. */
    waiting = 0;
    pthread_cond_broadcast(&said);
    pthread_mutex_unlock(&lock);
    return number;
}

static struct timespec deadline_in(long milliseconds)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += milliseconds / 1000;
    at.tv_nsec += milliseconds % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Lock held. False when the deadline has passed; without a deadline it waits for ever. */
static bool wait_for_word(const struct timespec *deadline)
{
    uint64_t seen = last;
    int error;

    waiting++;
    pthread_cond_signal(&gathered);
    error = deadline ? pthread_cond_timedwait(&said, &lock, deadline)
                     : pthread_cond_wait(&said, &lock);
    if (last == seen)
        waiting--; /* otherwise room_say() has taken us out of the count */
    return error != ETIMEDOUT;
}

/* Lock held. */
static enum room_news look_up(uint64_t number, char text[ROOM_TEXT])
{
    if (last < number)
        return closed ? ROOM_CLOSED : ROOM_NOTHING;
    if (last - number >= KEPT)
        return ROOM_LOST;
    snprintf(text, ROOM_TEXT, "%s", kept[number % KEPT]);
    return ROOM_MESSAGE;
}

enum room_news room_wait(uint64_t after, long milliseconds, char text[ROOM_TEXT])
{
    struct timespec deadline = deadline_in(milliseconds < 0 ? 0 : milliseconds);
    bool in_time = true;
    enum room_news news;

    pthread_mutex_lock(&lock);
    while (last <= after && !closed && in_time)
        in_time = wait_for_word(milliseconds < 0 ? NULL : &deadline);
    news = look_up(after + 1, text);
    pthread_mutex_unlock(&lock);
    return news;
}

enum room_news room_gather(unsigned count)
{
    enum room_news news;

    pthread_mutex_lock(&lock);
    while (waiting < count && !closed)
        pthread_cond_wait(&gathered, &lock);
    news = closed ? ROOM_CLOSED : ROOM_NOTHING;
    pthread_mutex_unlock(&lock);
    return news;
}

void room_close(void)
{
    pthread_mutex_lock(&lock);
    closed = true;
    pthread_cond_broadcast(&said);
    pthread_cond_broadcast(&gathered);
    pthread_mutex_unlock(&lock);
}
