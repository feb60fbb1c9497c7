/* SPDX-License-Identifier: MIT */
/* A handled signal to a thread that waits in fgets or fwrite, with and without SA_RESTART: what
 * the call returns, what the stream says, and that the handler ran on that thread. */
#include <signal.h>

#include "net.h"

static int ends[2];
static FILE *in, *out;
static pthread_t target;
static _Atomic int handled, on_wrong_thread, done;

static void handle(int number)
{
    (void)number;
    if (!pthread_equal(target, pthread_self()))
        on_wrong_thread++;
    handled++;
}

static void set_handler(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    must_sys(sigaction(SIGUSR1, &action, NULL));
}

static void *reads(void *argument)
{
    char line[64];
    errno = 0;
    bool got = fgets(line, sizeof line, in);
    int error = errno;
    say("fgets: %s, feof %d, ferror %d, %s\n", got ? line : "nothing", !!feof(in), !!ferror(in),
        error_name(error));
    clearerr(in);
    done = 1;
    return argument;
}

/* Until it has run: the signal may come before the call, and then the call waits on. */
static void interrupt(bool restarts)
{
    while (restarts ? handled < 3 : !done) {
        must(pthread_kill(target, SIGUSR1));
        settle();
    }
}

static void reading(int flags)
{
    handled = done = 0;
    set_handler(flags);
    target = start(reads, NULL);
    settle();
    interrupt(flags & SA_RESTART);
    say("before the line: %s\n", done ? "returned" : "waiting");
    must_sys(write(ends[1], "a line", 7));
    must_sys(write(ends[1], "\n", 1));
    join(target);
}

enum { MUCH = 4 << 20 };

static void *writes(void *block)
{
    size_t written = fwrite(block, 1, MUCH, out);
    say("fwrite: %s, ferror %d\n", written == MUCH ? "all" : "a part", !!ferror(out));
    clearerr(out);
    done = 1;
    return NULL;
}

static void writing(int flags)
{
    static char block[MUCH], sink[65536];
    size_t total = 0;
    handled = done = 0;
    set_handler(flags);
    target = start(writes, block);
    settle();
    interrupt(flags & SA_RESTART);
    say("nothing read: %s\n", done ? "returned" : "waiting");
    while (!done || recv(ends[1], sink, 1, MSG_DONTWAIT | MSG_PEEK) > 0) {
        ssize_t got = recv(ends[1], sink, sizeof sink, MSG_DONTWAIT);
        if (got > 0)
            total += (size_t)got;
        else
            sched_yield();
    }
    join(target);
    say("arrived: %s\n", total == MUCH ? "all" : "a part");
}

int main(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    in = fdopen(ends[0], "r");
    out = fdopen(dup(ends[0]), "w");
    setvbuf(out, NULL, _IONBF, 0);
    writing(SA_RESTART);
    writing(0);
    reading(SA_RESTART);
    set_handler(SA_RESTART);
    reading(0);
    say("on another thread: %d\n", on_wrong_thread);
    return finished();
}
