/* SPDX-License-Identifier: MIT */
/*
 * unthread doctor: what this machine, and this shell, lack for many connections. Each line says
 * what was found and what it is for; where it is too little, the command that changes it. Asks the
 * kernel by trying where it can.
 */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum {
    MANY = 10000,      /* connections that somebody may want */
    FSGSBASE = 1 << 1, /* HWCAP2_FSGSBASE: asm/hwcap2.h, Linux 5.9 */
};

enum state { GOOD, COULD_BE_BETTER, BAD };

static int worst;

static void say(enum state state, const char *found, const char *what_for, const char *remedy)
{
    static const char *const words[] = {"ok  ", "note", "BAD "};
    printf("%s  %s: %s\n", words[state], found, what_for);
    if (state != GOOD && *remedy)
        printf("      %s\n", remedy);
    if ((int)state > worst)
        worst = state;
}

/* A number from a file of /proc or /sys; -1: there is none, or it says "max". */
static long long number_in(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return length > 0 && isdigit((unsigned char)text[0]) ? strtoll(text, NULL, 10) : -1;
}

static void examine_versions(void)
{
    struct utsname names;
    char found[sizeof names.release + 64];
    unsigned major = 0, minor = 0;
    if (uname(&names) == 0 && sscanf(names.release, "%u.%u", &major, &minor) == 2) {
        snprintf(found, sizeof found, "Linux %s", names.release);
        bool old = major < 5 || (major == 5 && minor < 4);
        say(old ? COULD_BE_BETTER : GOOD, found,
            old ? "older than any that unthread was tried on (5.4 and later)" : "recent enough",
            "use a newer kernel, or try yours with care");
    }
    snprintf(found, sizeof found, "glibc %s", gnu_get_libc_version());
    say(GOOD, found, "unthread is developed on 2.36", "");
}

static void examine_processor(void)
{
    char found[64];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(found, sizeof found, "%ld CPUs", cpus);
    say(GOOD, found, "as many kernel threads run coroutines, unless --carriers says otherwise", "");
#ifdef __x86_64__
    bool fast = getauxval(AT_HWCAP2) & FSGSBASE;
    say(fast ? GOOD : COULD_BE_BETTER, fast ? "FSGSBASE" : "no FSGSBASE",
        fast ? "a switch between coroutines needs no system call"
             : "each switch between coroutines is a system call: expect little or no gain in CPU "
               "time",
        "Linux 5.9 or later on a processor (or virtual machine) that has it, without nofsgsbase");
#endif
}

static void examine_limit(int resource, const char *name, unsigned long long wanted,
                          const char *what_for, const char *remedy)
{
    struct rlimit limit;
    char found[128];
    if (getrlimit(resource, &limit) < 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY) {
        snprintf(found, sizeof found, "no limit of %s", name);
        say(GOOD, found, what_for, "");
        return;
    }
    int end = snprintf(found, sizeof found, "%llu %s", (unsigned long long)limit.rlim_cur, name);
    if (limit.rlim_max == RLIM_INFINITY)
        snprintf(found + end, sizeof found - (size_t)end, " (may be raised)");
    else
        snprintf(found + end, sizeof found - (size_t)end, " (may be raised to %llu)",
                 (unsigned long long)limit.rlim_max);
    say(limit.rlim_cur >= wanted ? GOOD : COULD_BE_BETTER, found, what_for, remedy);
}

static void examine_limits(void)
{
    examine_limit(RLIMIT_NOFILE, "descriptors for each process", MANY + 100,
                  "each connection needs one, a proxy two; unthread a few for each CPU",
                  "ulimit -n 1048576, or LimitNOFILE= in the service's unit");
    examine_limit(RLIMIT_AS, "bytes of address space", RLIM_INFINITY,
                  "a coroutine's stack takes address space as a thread's does, and a little more",
                  "ulimit -v unlimited, or --stack-size=64K");
    examine_limit(RLIMIT_NPROC, "processes and threads for each user", 1000,
                  "only natively each connection needs one", "ulimit -u unlimited");
}

static void examine_memory(void)
{
    char found[128];
    long long maps = number_in("/proc/sys/vm/max_map_count"),
              overcommit = number_in("/proc/sys/vm/overcommit_memory");
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool guards = page != MAP_FAILED && madvise(page, 4096, MADV_GUARD_INSTALL) == 0;
    if (page != MAP_FAILED)
        munmap(page, 4096);
    say(guards ? GOOD : COULD_BE_BETTER,
        guards ? "guard regions (MADV_GUARD_INSTALL)" : "no guard regions",
        guards ? "a stack's guard takes no mapping of its own"
               : "before Linux 6.13 a stack's guard takes a mapping: beyond some number, stacks "
                 "have none",
        "sysctl vm.max_map_count=2000000 if you need guards for more stacks");
    if (maps >= 0) {
        snprintf(found, sizeof found, "vm.max_map_count %lld", maps);
        say(guards || maps >= 4 * MANY ? GOOD : COULD_BE_BETTER, found,
            "mappings for each process; natively a thread takes two",
            "sysctl vm.max_map_count=2000000");
    }
    if (overcommit >= 0) {
        snprintf(found, sizeof found, "vm.overcommit_memory %lld", overcommit);
        say(overcommit == 2 ? COULD_BE_BETTER : GOOD, found,
            overcommit == 2 ? "stacks are counted in full, used or not"
                            : "stacks are counted as they are used",
            "sysctl vm.overcommit_memory=0, or --stack-size=64K");
    }
}

static void examine_calls(void)
{
    static const struct {
        long number;
        const char *name, *what_for;
        bool needed;
    } calls[] = {
        {SYS_epoll_pwait, "epoll", "waiting for descriptors", true},
        {SYS_timerfd_create, "timerfd_create", "time-outs", true},
        {SYS_eventfd2, "eventfd2", "waking a lane", true},
        {SYS_membarrier, "membarrier", "the monitor looks at lanes without stopping them", false},
        {SYS_pidfd_open, "pidfd_open", "waitpid() without a kernel thread", false},
    };
    char found[96];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        /* Arguments that none of them takes: allowed calls fail with another error. */
        bool there = syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 ||
                     (errno != ENOSYS && errno != EPERM);
        snprintf(found, sizeof found, there ? "%s" : "no %s", calls[i].name);
        say(there             ? GOOD
            : calls[i].needed ? BAD
                              : COULD_BE_BETTER,
            found, calls[i].what_for,
            calls[i].needed ? "allow it in the container's seccomp profile: nothing works without"
                            : "allow it in the container's seccomp profile; there is another way, "
                              "which costs more");
    }
}

static void examine_installation(void)
{
    char path[PATH_MAX];
    struct cli_reason reason;
    bool found = cli_locate_library(path, &reason);
    say(found ? GOOD : BAD, found ? path : "no library",
        found ? "is what would be preloaded" : reason.text,
        "meson install -C build, or run build/shim/unthread");
}

/* Beyond these the kernel makes no more threads, natively. */
static void examine_threads(void)
{
    char found[128];
    long long threads = number_in("/proc/sys/kernel/threads-max"),
              ids = number_in("/proc/sys/kernel/pid_max");
    if (threads < 0 || ids < 0)
        return;
    snprintf(found, sizeof found, "%lld threads, %lld ids", threads, ids);
    say(GOOD, found, "what a machine can have natively; coroutines do not count", "");
}

int cli_doctor(int argc, char **argv)
{
    static const char *const verdicts[] = {
        "Nothing is missing.",
        "It will work; what is noted above limits how much, or how well.",
        "It cannot work here as it is.",
    };
    if (argc > 1) {
        cli_complain("%s: takes no arguments", argv[0]);
        return CLI_REFUSED;
    }
    examine_installation();
    examine_versions();
    examine_processor();
    examine_limits();
    examine_threads();
    examine_memory();
    examine_calls();
    printf("%s\n", verdicts[worst]);
    int written = cli_finish();
    return written ? written : worst == BAD ? 1 : 0;
}
