/* SPDX-License-Identifier: MIT */
/*
 * pinned FILE: threads that hold their kernel threads, each in its way: a lock on a file, a system
 * call made by inline assembly, a computation; others work meanwhile. The process then signals itself
 * with SIGUSR2, for the account to be written to FILE, where it must name them all as still going on.
 * Threads that give themselves the name "stays" must keep their kernel thread.
 */
#include "stress.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
    HOGS = 3, /* more than lanes: one of them has to give a lane up */
    BUSY = 4,
    ROUNDS = 200,
    STAYING = 4,
    PATIENCE_SECONDS = 20,
};

static int pipe_ends[2], lock_files[2];
static _Atomic bool stop;

/* What no preload can see. */
static long call_kernel(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

void *take_lock(void *unused)
{
    MUST(pthread_setname_np(pthread_self(), "locker"));
    CHECK(flock(lock_files[1], LOCK_EX) == 0);
    return unused;
}

void *read_unseen(void *unused)
{
    char byte = 0;
    MUST(pthread_setname_np(pthread_self(), "reader"));
    CHECK(call_kernel(SYS_read, pipe_ends[0], (long)&byte, 1) == 1 && byte == 'x');
    return unused;
}

void *compute(void *unused)
{
    MUST(pthread_setname_np(pthread_self(), "hog"));
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        ;
    return unused;
}

/* Each round parks both sides. */
static void play(int socket, bool first)
{
    char byte = 'b';
    for (int i = 0; i < ROUNDS; i++) {
        if (first)
            CHECK(send(socket, &byte, 1, 0) == 1);
        CHECK(recv(socket, &byte, 1, 0) == 1);
        if (!first)
            CHECK(send(socket, &byte, 1, 0) == 1);
    }
}

static void *work(void *socket)
{
    play((int)(long)socket, true);
    return NULL;
}

/* There is always somebody who waits for a lane: else nobody would mind who holds it. */
static void *pass_on(void *pair)
{
    const int *ends = pair;
    char byte = 'b';
    while (recv(ends[0], &byte, 1, 0) == 1 && byte == 'b')
        if (send(ends[1], &byte, 1, MSG_NOSIGNAL) != 1)
            break;
    return NULL;
}

static void *stay(void *socket)
{
    MUST(pthread_setname_np(pthread_self(), "stays"));
    long kernel_thread = call_kernel(SYS_gettid, 0, 0, 0);
    play((int)(long)socket, false);
    CHECK(call_kernel(SYS_gettid, 0, 0, 0) == kernel_thread);
    MUST(pthread_setname_np(pthread_self(), "stays on"));
    return NULL;
}

/* Is every one of WORDS in the file by now? */
static bool has_all(const char *path, const char *const *words)
{
    static char text[1 << 16];
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    for (; *words; words++)
        if (!strstr(text, *words))
            return false;
    return true;
}

static void await_account(const char *path)
{
    static const char *const words[] = {"flock", "system call read, undeclared", "computing",
                                        "take_lock", "read_unseen", "\"hog\"", "still", NULL};
    time_t end = time(NULL) + PATIENCE_SECONDS;
    do {
        kill(getpid(), SIGUSR2);
        usleep(200000); /* not to write too many of them */
        CHECK(time(NULL) < end);
    } while (!has_all(path, words));
}

int main(int argc, char **argv)
{
    pthread_t threads[2 + HOGS], players[2 * STAYING], busy[2 * BUSY];
    int rings[BUSY][2][2];
    const char *path = argc > 1 ? argv[1] : "account";
    char name[] = "pinned-XXXXXX";
    CHECK(pipe(pipe_ends) == 0);
    lock_files[0] = mkstemp(name);
    lock_files[1] = open(name, O_RDWR);
    unlink(name);
    CHECK(flock(lock_files[0], LOCK_EX) == 0);
    MUST(pthread_create(&threads[0], NULL, take_lock, NULL));
    MUST(pthread_create(&threads[1], NULL, read_unseen, NULL));
    for (int i = 0; i < HOGS; i++)
        MUST(pthread_create(&threads[2 + i], NULL, compute, NULL));
    for (int i = 0; i < BUSY; i++) {
        int one[2], other[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
        memcpy(rings[i], (int[2][2]){{one[0], other[0]}, {other[1], one[1]}}, sizeof rings[i]);
        MUST(pthread_create(&busy[2 * i], NULL, pass_on, rings[i][0]));
        MUST(pthread_create(&busy[2 * i + 1], NULL, pass_on, rings[i][1]));
        CHECK(send(one[1], "b", 1, 0) == 1);
    }
    for (int i = 0; i < STAYING; i++) {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        MUST(pthread_create(&players[2 * i], NULL, work, (void *)(long)pair[0]));
        MUST(pthread_create(&players[2 * i + 1], NULL, stay, (void *)(long)pair[1]));
    }
    for (int i = 0; i < 2 * STAYING; i++)
        MUST(pthread_join(players[i], NULL));
    await_account(path);
    for (int i = 0; i < BUSY; i++)
        CHECK(shutdown(rings[i][0][0], SHUT_RDWR) == 0 && shutdown(rings[i][0][1], SHUT_RDWR) == 0);
    for (int i = 0; i < 2 * BUSY; i++)
        MUST(pthread_join(busy[i], NULL));
    atomic_store(&stop, true);
    CHECK(flock(lock_files[0], LOCK_UN) == 0);
    CHECK(write(pipe_ends[1], "x", 1) == 1);
    for (int i = 0; i < 2 + HOGS; i++)
        MUST(pthread_join(threads[i], NULL));
    puts("finished");
    return 0;
}
