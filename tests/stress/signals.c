/* SPDX-License-Identifier: MIT */
/*
 * signals SECONDS: a hundred pairs of threads talk through socket pairs while two signals hit them
 * at random, one whose handler restarts calls and one whose does not. Each byte must arrive, once and in
 * order, only the second signal may be seen as EINTR, and each thread's handler runs in it.
 */
#include "stress.h"

#include <signal.h>
#include <sys/socket.h>

enum { PAIRS = 100, SENDERS = 2 };

#define RESTARTS SIGUSR1
#define INTERRUPTS SIGUSR2

static int pairs[PAIRS][2];
static pthread_t threads[2 * PAIRS];
static _Atomic bool stop;
static _Atomic long handled[2], interrupted, sent;
static __thread pthread_t me;
static _Atomic bool strange;

static void on_signal(int signal)
{
    int saved = errno;
    if (me && !pthread_equal(me, pthread_self()))
        atomic_store(&strange, true);
    atomic_fetch_add(&handled[signal == INTERRUPTS], 1);
    errno = saved;
}

static void transfer(int fd, unsigned char *byte, bool out)
{
    for (;;) {
        ssize_t result = out ? write(fd, byte, 1) : read(fd, byte, 1);
        if (result == 1)
            return;
        CHECK(result == -1 && errno == EINTR);
        atomic_fetch_add(&interrupted, 1);
    }
}

/* Sends numbers until told to stop, and then the last one: 255. */
static void *talk(void *index)
{
    int fd = pairs[(long)index][0];
    unsigned char number = 0, answer, last = 255;
    long rounds = 0;
    me = pthread_self();
    while (!atomic_load(&stop)) {
        transfer(fd, &number, true);
        transfer(fd, &answer, false);
        CHECK(answer == number);
        number = (unsigned char)((number + 1) % 255);
        rounds++;
    }
    transfer(fd, &last, true);
    return (void *)rounds;
}

static void *answer(void *index)
{
    int fd = pairs[(long)index][1];
    unsigned char number, expected = 0;
    long rounds = 0;
    me = pthread_self();
    for (;;) {
        transfer(fd, &number, false);
        if (number == 255)
            return (void *)rounds;
        CHECK(number == expected);
        expected = (unsigned char)((number + 1) % 255);
        transfer(fd, &number, true);
        rounds++;
    }
}

static void *shoot(void *seed)
{
    uint32_t random = (uint32_t)(long)seed;
    while (!atomic_load(&stop)) {
        uint32_t number = random_next(&random);
        MUST(pthread_kill(threads[number % (2 * PAIRS)], number & 0x10000 ? RESTARTS : INTERRUPTS));
        atomic_fetch_add(&sent, 1);
        if (number % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void handle(int signal, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

int main(int argc, char **argv)
{
    pthread_t shooters[SENDERS];
    struct timespec time = {.tv_sec = argument(argc, argv, 1, 4)};
    handle(RESTARTS, SA_RESTART);
    handle(INTERRUPTS, 0);
    for (long i = 0; i < PAIRS; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
        MUST(pthread_create(&threads[2 * i], NULL, talk, (void *)i));
        MUST(pthread_create(&threads[2 * i + 1], NULL, answer, (void *)i));
    }
    for (long i = 0; i < SENDERS; i++)
        MUST(pthread_create(&shooters[i], NULL, shoot, (void *)(i + 1)));
    while (nanosleep(&time, &time) < 0)
        ;
    atomic_store(&stop, true);
    for (int i = 0; i < SENDERS; i++)
        MUST(pthread_join(shooters[i], NULL));
    long total = 0;
    for (int i = 0; i < PAIRS; i++) {
        void *talked, *answered;
        MUST(pthread_join(threads[2 * i], &talked));
        MUST(pthread_join(threads[2 * i + 1], &answered));
        CHECK(talked == answered);
        total += (long)talked;
    }
    CHECK(!atomic_load(&strange));
    CHECK(total > 0 && atomic_load(&handled[0]) > 0 && atomic_load(&handled[1]) > 0);
    printf("%ld bytes, %ld signals sent, %ld + %ld handled, %ld calls interrupted\n", total,
           atomic_load(&sent), atomic_load(&handled[0]), atomic_load(&handled[1]),
           atomic_load(&interrupted));
    return 0;
}
