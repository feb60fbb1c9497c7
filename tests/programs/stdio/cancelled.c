/* SPDX-License-Identifier: MIT */
/* Threads cancelled while they wait in a stream: their handlers run, the stream's lock is free
 * afterwards, and what flockfile locked is not. */
#include "net.h"

static int ends[2], pipes[2];
static FILE *stream;
static _Atomic int cleaned, waits;

static void clean(void *argument)
{
    cleaned += index_of(argument);
}

static void *reads(void *argument)
{
    char line[8];
    pthread_cleanup_push(clean, (void *)(intptr_t)1);
    pthread_cleanup_push(clean, (void *)(intptr_t)10);
    waits = 1;
    fgets(line, sizeof line, stream);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return argument;
}

static void *writes(void *argument)
{
    static char block[1 << 22];
    pthread_cleanup_push(clean, (void *)(intptr_t)100);
    waits = 1;
    fwrite(block, 1, sizeof block, stream);
    pthread_cleanup_pop(0);
    return argument;
}

static void *reads_disabled(void *argument)
{
    char line[8];
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    waits = 1;
    say("disabled: %s", fgets(line, sizeof line, stream));
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    return argument;
}

static void unlock(void *argument)
{
    funlockfile(argument);
    cleaned += 1000;
}

static void *reads_locked(void *argument)
{
    char line[8];
    flockfile(stream);
    pthread_cleanup_push(unlock, stream);
    waits = 1;
    fgets(line, sizeof line, stream);
    pthread_cleanup_pop(1);
    return argument;
}

/* The thread that ended has released the lock, so that another can take it. */
static void *tries_lock(void *argument)
{
    say("lock afterwards: %s\n", ftrylockfile(stream) == 0 ? "free" : "taken");
    return argument;
}

static void cancel(const char *what, void *(*routine)(void *), int fd, const char *mode)
{
    cleaned = waits = 0;
    stream = fdopen(dup(fd), mode);
    pthread_t thread = start(routine, NULL);
    while (!waits)
        sched_yield();
    settle();
    must(pthread_cancel(thread));
    if (routine == reads_disabled)
        must_sys(write(ends[1], "line\n", 5));
    bool cancelled = join(thread) == PTHREAD_CANCELED;
    say("%s: %s, cleaned %d\n", what, cancelled ? "cancelled" : "ended", cleaned);
    join(start(tries_lock, NULL));
}

int main(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(pipe(pipes));
    cancel("fgets on a socket", reads, ends[0], "r");
    cancel("fgets on a pipe", reads, pipes[0], "r");
    cancel("fgets, disabled", reads_disabled, ends[0], "r");
    cancel("fgets, locked", reads_locked, ends[0], "r");
    cancel("fwrite on a socket", writes, ends[0], "w");
    cancel("fwrite on a pipe", writes, pipes[1], "w");
    return finished();
}
