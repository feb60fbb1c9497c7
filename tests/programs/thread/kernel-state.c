/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for one thread, and that changes: user and group for files, capabilities, directory,
 * name space, niceness, scheduling class, personality, timer slack. The thread keeps what it has set,
 * through waits; those that it makes inherit it; no other thread ever sees it, and what the thread leaves
 * behind nobody.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

enum { OTHERS = 8, WAITS = 20, SOMEBODY = 65534 };

int capset(cap_user_header_t header, const cap_user_data_t data);

struct state {
    const char *name;
    int (*change)(void);
    long (*get)(void);
};

static int set_fs_user(void)
{
    setfsuid(SOMEBODY);
    return setfsuid(-1) == SOMEBODY ? 0 : -1;
}

static long fs_user(void)
{
    return setfsuid(-1);
}

static int set_fs_group(void)
{
    setfsgid(SOMEBODY);
    return setfsgid(-1) == SOMEBODY ? 0 : -1;
}

static long fs_group(void)
{
    return setfsgid(-1);
}

static int set_user_by_number(void)
{
    return (int)syscall(SYS_setresuid, -1, SOMEBODY, -1);
}

static long user(void)
{
    return geteuid();
}

static int drop_capability(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    data[0].effective &= ~(1u << CAP_SYS_BOOT);
    return capset(&header, data);
}

static long capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    return syscall(SYS_capget, &header, data) < 0 ? -1 : !!(data[0].effective & 1u << CAP_SYS_BOOT);
}

static int go_elsewhere(void)
{
    return unshare(CLONE_FS) < 0 ? -1 : chdir("/proc/self");
}

static long directory(void)
{
    struct stat here, there;
    expect(stat(".", &here) == 0 && stat("/proc/self", &there) == 0);
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int enter_its_own(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    int result = setns(fd, CLONE_NEWUTS);
    close(fd);
    return result;
}

static long no_state(void)
{
    return 0;
}

static int set_priority(void)
{
    return setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
}

static long priority(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static int be_nicer(void)
{
    errno = 0;
    return nice(3) == 3 && !errno ? 0 : -1;
}

static int be_idle(void)
{
    struct sched_param none = {0};
    return sched_setscheduler(0, SCHED_IDLE, &none) < 0 ? -1 : sched_setparam(gettid(), &none);
}

static long class(void)
{
    struct sched_param param;
    expect(sched_getparam(gettid(), &param) == 0 && param.sched_priority == 0);
    return sched_getscheduler(0);
}

/* First to what it is already, as GLib does for each thread of its pools. */
static int set_attributes(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t rest[5];
    } attributes;
    pid_t id = gettid();
    if (syscall(SYS_sched_getattr, id, &attributes, sizeof attributes, 0) < 0 ||
        syscall(SYS_sched_setattr, id, &attributes, 0) < 0)
        return -1;
    attributes.nice = 4;
    return (int)syscall(SYS_sched_setattr, id, &attributes, 0);
}

static int be_another(void)
{
    return personality(ADDR_NO_RANDOMIZE) < 0 ? -1 : 0;
}

static long persona(void)
{
    return personality(0xffffffff);
}

static int set_slack(void)
{
    return prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0);
}

static long slack(void)
{
    return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

/* By number, set_user_by_number comes last: nothing else works after it. */
static const struct state states[] = {
    {"group for files", set_fs_group, fs_group}, {"user for files", set_fs_user, fs_user},
    {"capabilities", drop_capability, capabilities}, {"directory", go_elsewhere, directory},
    {"name space", enter_its_own, no_state}, {"priority", set_priority, priority},
    {"niceness", be_nicer, priority}, {"class", be_idle, class}, {"personality", be_another, persona},
    {"attributes", set_attributes, priority}, {"timer slack", set_slack, slack}, {"effective user", set_user_by_number, user},
};

static const struct state *state;
static long before;
static volatile int stop;
static sem_t changed;

static void *watches(void *argument)
{
    while (!stop) {
        expect(state->get() == before);
        usleep(500);
    }
    return argument;
}

static void *inherits(void *argument)
{
    *(long *)argument = state->get();
    return NULL;
}

static void *changes(void *argument)
{
    long inherited = -1;
    say("%s: %d", state->name, state->change());
    long after = state->get();
    for (int i = 0; i < WAITS; i++) {
        expect(state->get() == after);
        usleep(500);
    }
    join(start(inherits, &inherited));
    say(", changed %d, kept, inherited %d\n", after != before, inherited == after);
    sem_post(&changed);
    return argument;
}

static void try(void)
{
    pthread_t watchers[OTHERS];
    stop = 0;
    before = state->get();
    start_many(watchers, OTHERS, watches);
    pthread_t changer = start(changes, NULL);
    while (sem_wait(&changed))
        ;
    join(changer);
    for (int i = 0; i < OTHERS; i++) { /* on what it has left behind */
        long late = -1;
        join(start(inherits, &late));
        expect(late == before);
    }
    stop = 1;
    join_many(watchers, OTHERS);
}

int main(void)
{
    sem_init(&changed, 0, 0);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        state = &states[i];
        try();
    }
    return finished();
}
