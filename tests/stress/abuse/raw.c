/* SPDX-License-Identifier: MIT */
/* Calls that reach the kernel past the names that a preloaded library has. */
#include "abuse.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

/* A pipe for each abuser, to be blocked on. */

static int pipes[MOST_ABUSERS][2];
static int lowest, highest; /* descriptors to read from */

static void open_pipes(long count)
{
    for (long i = 0; i < count; i++)
        CHECK(pipe2(pipes[i], O_CLOEXEC) == 0);
    lowest = pipes[0][0];
    highest = pipes[count - 1][0];
}

static long stuck_reading(void)
{
    return kernel_blocked(SYS_read, (uintptr_t)lowest, (uintptr_t)highest);
}

static void fill_pipes(long count)
{
    for (long i = 0; i < count; i++) {
        char byte = (char)i;
        CHECK(write(pipes[i][1], &byte, 1) == 1);
    }
}

/* inline-read */

static void read_inline(long index)
{
    char byte = (char)~index;
    abuse_enter();
    CHECK(kernel_call(SYS_read, pipes[index][0], (long)&byte, 1, 0) == 1);
    CHECK(byte == (char)index);
}

const struct abuse abuse_inline_read = {.name = "inline-read", .prepare = open_pipes,
                                        .commit = read_inline, .stuck = stuck_reading,
                                        .release = fill_pipes};

/* inline-naps: again and again, each too short to be called stuck. */

static void nap_inline(long index)
{
    struct timespec time = {.tv_nsec = 20 * 1000 * 1000};
    (void)index;
    abuse_enter();
    do {
        int64_t start = now_ns();
        CHECK(kernel_call(SYS_nanosleep, (long)&time, 0, 0, 0) == 0);
        CHECK(now_ns() - start >= time.tv_nsec);
    } while (!atomic_load(&over));
}

const struct abuse abuse_inline_naps = {.name = "inline-naps", .commit = nap_inline};

/* inline-futex */

static _Atomic uint32_t words[MOST_ABUSERS];

static void wait_inline(long index)
{
    abuse_enter();
    CHECK(kernel_call(SYS_futex, (long)&words[index], FUTEX_WAIT_PRIVATE, 0, 0) == 0);
    CHECK(atomic_load(&words[index]) == (uint32_t)index + 1);
}

static long stuck_waiting(void)
{
    return kernel_blocked(SYS_futex, (uintptr_t)words, (uintptr_t)(words + MOST_ABUSERS));
}

static void wake_inline(long count)
{
    for (long i = 0; i < count; i++) {
        atomic_store(&words[i], (uint32_t)i + 1);
        CHECK(kernel_call(SYS_futex, (long)&words[i], FUTEX_WAKE_PRIVATE, 1, 0) == 1);
    }
}

const struct abuse abuse_inline_futex = {.name = "inline-futex", .commit = wait_inline,
                                         .stuck = stuck_waiting, .release = wake_inline};

/* deepbind-read: a plug-in whose read() is libc's, whatever was preloaded. */

typedef ssize_t read_function(int fd, void *buffer, size_t count);
static read_function *other_read;

static void open_plugin(long count)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    CHECK(length > 0 && length < PATH_MAX - 32);
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "abuse_reader.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    CHECK(library);
    other_read = (read_function *)dlsym(library, "read_on_behalf");
    CHECK(other_read);
    open_pipes(count);
}

static void read_elsewhere(long index)
{
    char byte = (char)~index;
    abuse_enter();
    CHECK(other_read(pipes[index][0], &byte, 1) == 1);
    CHECK(byte == (char)index);
}

const struct abuse abuse_deepbind_read = {.name = "deepbind-read", .prepare = open_plugin,
                                          .commit = read_elsewhere, .stuck = stuck_reading,
                                          .release = fill_pipes};

/* dlsym-read: libc's own function, asked for from libc's own handle. */

static void find_read(long count)
{
    void *library = dlopen("libc.so.6", RTLD_NOW);
    CHECK(library);
    other_read = (read_function *)dlsym(library, "read");
    CHECK(other_read);
    open_pipes(count);
}

const struct abuse abuse_dlsym_read = {.name = "dlsym-read", .prepare = find_read,
                                       .commit = read_elsewhere, .stuck = stuck_reading,
                                       .release = fill_pipes};
