/* SPDX-License-Identifier: MIT */
/* stdio, whose locks and writes are inside libc. */
#include "abuse.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* stream-lock: a stream that everybody prints to is locked by somebody who waits for a peer. */

static FILE *journal;
static int peer[2];

static void open_journal(long count)
{
    (void)count;
    journal = tmpfile();
    CHECK(journal);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, peer) == 0);
}

static void print_entry(long index)
{
    char byte;
    if (index == HOLDER) {
        flockfile(journal);
        abuse_enter();
        CHECK(recv(peer[0], &byte, 1, 0) == 1 && byte == 'w');
        CHECK(ftell(journal) == 0); /* nobody got past the lock */
        funlockfile(journal);
    } else {
        abuse_enter();
        CHECK(fprintf(journal, "entry %3ld\n", index) == 10);
    }
}

static long stuck_printing(void)
{
    uintptr_t word = (uintptr_t)journal->_lock;
    return kernel_blocked(SYS_futex, word, word);
}

static void answer_holder(long count)
{
    (void)count;
    CHECK(send(peer[1], "w", 1, 0) == 1);
}

static void check_journal(long count)
{
    bool printed[MOST_ABUSERS] = {false};
    long index, lines = 0;
    rewind(journal);
    while (fscanf(journal, "entry %3ld\n", &index) == 1) {
        CHECK(index >= 0 && index < count && !printed[index]);
        printed[index] = true;
        lines++;
    }
    CHECK(lines == count && feof(journal));
}

const struct abuse abuse_stream_lock = {.name = "stream-lock", .prepare = open_journal,
                                        .commit = print_entry, .holder = true,
                                        .stuck = stuck_printing, .release = answer_holder,
                                        .finish = check_journal};

/* full-pipe: standard output as it is when whoever should read it does not. */

enum { LINES = 3000, CAPACITY = 4096 };

static int outputs[MOST_ABUSERS][2];

static void open_outputs(long count)
{
    for (long i = 0; i < count; i++) {
        CHECK(pipe2(outputs[i], O_CLOEXEC) == 0);
        CHECK(fcntl(outputs[i][1], F_SETPIPE_SZ, CAPACITY) >= CAPACITY);
    }
}

static void print_much(long index)
{
    FILE *output = fdopen(outputs[index][1], "w");
    CHECK(output);
    abuse_enter();
    for (int line = 0; line < LINES; line++)
        CHECK(fprintf(output, "%ld says %d\n", index, line) > 0);
    CHECK(fclose(output) == 0);
}

static long stuck_writing(void)
{
    return kernel_blocked(SYS_write, (uintptr_t)outputs[0][1], UINT16_MAX);
}

static void read_outputs(long count)
{
    for (long i = 0; i < count; i++) {
        FILE *input = fdopen(outputs[i][0], "r");
        CHECK(input);
        for (int line = 0; line < LINES; line++) {
            long index;
            int number;
            CHECK(fscanf(input, "%ld says %d\n", &index, &number) == 2);
            CHECK(index == i && number == line);
        }
        CHECK(fgetc(input) == EOF && feof(input));
        fclose(input);
    }
}

const struct abuse abuse_full_pipe = {.name = "full-pipe", .prepare = open_outputs,
                                      .commit = print_much, .stuck = stuck_writing,
                                      .release = read_outputs};
