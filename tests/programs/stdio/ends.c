/* SPDX-License-Identifier: MIT */
/* How a stream on a socket ends or fails: half-close, reset, time-out, O_NONBLOCK, a reader that is
 * gone; what feof, ferror and errno say, and that clearerr makes it usable again. */
#include <signal.h>

#include "net.h"

static int ends[2];

static void tell(const char *what, FILE *stream, bool result)
{
    int error = errno;
    say("%s: %s, feof %d, ferror %d, %s\n", what, result ? "something" : "nothing",
        !!feof(stream), !!ferror(stream), error_name(error));
}

static void read_line(const char *what, FILE *stream)
{
    char line[64];
    errno = 0;
    tell(what, stream, fgets(line, sizeof line, stream));
}

static void *half_closes(void *argument)
{
    (void)argument;
    settle();
    must_sys(write(ends[1], "without end of line", 19));
    must_sys(shutdown(ends[1], SHUT_WR));
    char byte;
    return (void *)(long)read(ends[1], &byte, 1); /* the other direction still works */
}

static void half_close(void)
{
    tcp_pair(ends);
    pthread_t other = start(half_closes, NULL);
    FILE *in = fdopen(ends[0], "r+");
    read_line("half-closed", in);
    read_line("at the end", in);
    fseek(in, 0, SEEK_CUR);
    say("%d\n", fputc('x', in));
    show_sys(fflush(in));
    say("read %ld\n", (long)join(other));
    fclose(in);
    close(ends[1]);
}

static void *resets(void *argument)
{
    struct linger now = {1, 0};
    settle();
    must_sys(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &now, sizeof now));
    close(ends[1]);
    return argument;
}

static void reset(void)
{
    tcp_pair(ends);
    pthread_t other = start(resets, NULL);
    FILE *in = fdopen(ends[0], "r");
    read_line("reset", in);
    join(other);
    fclose(in);
}

static void time_out(void)
{
    tcp_pair(ends);
    set_timeout(ends[0], SO_RCVTIMEO, 30);
    FILE *in = fdopen(ends[0], "r");
    int64_t begin = now_ns();
    read_line("timed out", in);
    say("%s\n", elapsed_word(begin, 30));
    clearerr(in);
    must_sys(write(ends[1], "line\n", 5));
    read_line("after it", in);
    fclose(in);
    close(ends[1]);
}

static void non_blocking(void)
{
    tcp_pair(ends);
    must_sys(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    FILE *in = fdopen(ends[0], "r");
    read_line("non-blocking", in);
    clearerr(in);
    must_sys(write(ends[1], "line\n", 5));
    while (!(clearerr(in), fgetc(in) == 'l')) /* TCP may take its time */
        sched_yield();
    read_line("after it", in);
    fclose(in);
    close(ends[1]);
}

static void nobody_reads(void)
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    close(ends[1]);
    FILE *out = fdopen(ends[0], "w");
    errno = 0;
    fputs("line\n", out);
    bool flushed = fflush(out) == 0;
    tell("nobody reads", out, flushed);
    show_sys(fclose(out));
}

static void *does_all(void *argument)
{
    half_close();
    reset();
    time_out();
    non_blocking();
    nobody_reads();
    return argument;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    join(start(does_all, NULL));
    return finished();
}
