/* SPDX-License-Identifier: MIT */
/*
 * Waiting for one certain child. A pidfd can be polled for the end of its process, but it takes a
 * descriptor, and the program would meet the number. So one thread of ours, the watcher, has
 * a descriptor table of its own (ut_ours_separate), with a pidfd for each child that is waited for and
 * an epoll set over them. It is made at the first such wait and stays: however many wait, it is
 * one kernel thread.
 *
 * The watcher takes no status. It only ends the wait; the coroutine then asks the kernel by itself,
 * so what a wait returns, and who gets it, is the kernel's business as ever. Two things need an argument:
 *
 * The right process. Between the coroutine's own look (the child is there and runs) and pidfd_open
 * another thread may have reaped the child, and its number may have gone to a stranger. So the
 * watcher asks the pidfd itself whether it is a child of ours that has not ended. If
 * not, the coroutine is to look again.
 *
 * No lost end. The look comes after pidfd_open: a child that ended before it is found by it, one that
 * ends later makes the pidfd readable; and readable it stays, whoever reaps the child.
 *
 * A pidfd tells the end of a process only, not that it stopped: waits for stops must not come here. And
 * it tells an end that a tracer keeps to itself for now: who finds nothing after it was told must
 * ask with a kernel thread. What is missed: a traced child's stops, which the kernel reports to its
 * tracer unasked. Tracers wait with __WALL, and do not move between kernel threads.
 *
 * The eventfd that wakes the watcher has a low number for the two system calls until it is moved up,
 * once in the life of a process.
 *
 * Rejected: SIGCHLD (the program's own, and it merges); a thread in waitid(P_ALL, WNOWAIT), which
 * would return again and again for a zombie that nobody wants.
 */
#include "child.h"

#include "carrier.h"
#include "clock.h"
#include "coro.h"
#include "lock.h"
#include "ours.h"
#include "stats.h"
#include "tls.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum {
    MOST = 65536, /* pidfds; their numbers are low, for the watcher's table is empty otherwise */
    BATCH = 64,
};

/* One who waits, on its own stack. All but CORO and PROCESS is guarded by the lock. */
struct waiter {
    struct waiter *next; /* in the list of those who ask */
    struct ut_coro *coro;
    uint64_t ticket;
    pid_t process;
    int pidfd;    /* the watcher's, or -1 */
    bool asks;    /* is in that list */
    bool refused; /* the watcher cannot help */
};

enum { NOT_STARTED, STARTED, IMPOSSIBLE };

static struct ut_lock start_lock;
static _Atomic int state;
static int calls = -1; /* an eventfd: wakes the watcher. Written before it starts */

static struct ut_lock lock;
static struct waiter *asking;   /* whom the watcher has not seen yet */
static struct waiter **watched; /* by pidfd */
static int watched_end;         /* above all pidfds that were ever used */
static struct waiter nobody;    /* stands in WATCHED for one who has gone; the watcher closes */
static bool some_gone;

static void call_watcher(void)
{
    uint64_t one = 1;
    ut_sys_write(calls, &one, sizeof one);
}

/* The watcher's side */

static void close_pidfd(int pidfd)
{
    ut_syscall1(SYS_close, pidfd); /* the only reference: that takes it out of the epoll set, too */
}

/* Is PIDFD's process a child of ours that has not ended? -ECHILD if not. */
static int look(int pidfd)
{
    siginfo_t info = {0};
    long result = ut_syscall5(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT, NULL);
    return result < 0 ? (int)result : info.si_pid ? -ECHILD : 0;
}

/*
 * 0: WAITER is being watched for. -ESRCH, -ECHILD: it has to look for itself; else it cannot be
 * watched for. The caller holds the lock.
 */
static int watch(int set, struct waiter *waiter)
{
    int pidfd = (int)ut_syscall2(SYS_pidfd_open, waiter->process, 0);
    if (pidfd < 0)
        return pidfd;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = pidfd};
    int result = pidfd < MOST ? look(pidfd) : -EMFILE;
    if (result == 0)
        result = (int)ut_syscall4(SYS_epoll_ctl, set, EPOLL_CTL_ADD, pidfd, &event);
    if (result < 0) {
        close_pidfd(pidfd);
        return result;
    }
    waiter->pidfd = pidfd;
    watched[pidfd] = waiter;
    if (pidfd >= watched_end)
        watched_end = pidfd + 1;
    return 0;
}

/* Attend to one who asks. False: there is none. SET is negative if there is no way to watch. */
static bool serve(int set)
{
    ut_lock_acquire(&lock);
    struct waiter *waiter = asking;
    if (!waiter) {
        ut_lock_release(&lock);
        return false;
    }
    asking = waiter->next;
    waiter->asks = false;
    struct ut_coro *coro = waiter->coro;
    uint64_t ticket = waiter->ticket;
    int result = set < 0 ? set : watch(set, waiter);
    waiter->refused = result < 0 && result != -ESRCH && result != -ECHILD;
    ut_lock_release(&lock);
    if (result < 0) /* the waiter's frame may be gone, the coroutine stays */
        ut_wait_end(coro, ticket, UT_WAIT_WOKEN);
    return true;
}

/* PIDFD's process has ended. */
static void tell(int pidfd)
{
    struct ut_coro *coro = NULL;
    uint64_t ticket = 0;
    ut_lock_acquire(&lock);
    struct waiter *waiter = watched[pidfd];
    watched[pidfd] = NULL;
    if (waiter != &nobody) {
        waiter->pidfd = -1;
        coro = waiter->coro;
        ticket = waiter->ticket;
    }
    ut_lock_release(&lock);
    close_pidfd(pidfd);
    if (coro)
        ut_wait_end(coro, ticket, UT_WAIT_WOKEN);
}

static void close_abandoned(void)
{
    ut_lock_acquire(&lock);
    if (some_gone)
        for (int pidfd = 0; pidfd < watched_end; pidfd++)
            if (watched[pidfd] == &nobody) {
                watched[pidfd] = NULL;
                close_pidfd(pidfd);
            }
    some_gone = false;
    ut_lock_release(&lock);
}

static void take_events(int set)
{
    struct epoll_event events[BATCH];
    long count = ut_syscall6(SYS_epoll_pwait, set, (long)events, BATCH, -1, 0, 0);
    for (long i = 0; i < count; i++) {
        uint64_t number;
        if (events[i].data.fd == calls)
            ut_syscall3(SYS_read, calls, &number, sizeof number);
        else
            tell(events[i].data.fd);
    }
}

static int make_set(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = calls};
    int result = ut_ours_separate(-1);
    if (result < 0)
        return result;
    int set = (int)ut_syscall1(SYS_epoll_create1, EPOLL_CLOEXEC);
    if (set < 0)
        return set;
    result = (int)ut_syscall4(SYS_epoll_ctl, set, EPOLL_CTL_ADD, calls, &event);
    return result < 0 ? result : set;
}

/* No watcher. The state is read under the lock by those who ask: none comes after the last look. */
static void give_up(void)
{
    ut_lock_acquire(&lock);
    atomic_store(&state, IMPOSSIBLE);
    ut_lock_release(&lock);
    while (serve(-ENOSYS))
        ;
}

/* Nothing may be logged here: in this table standard error is something else. */
static void *watcher_main(void *unused)
{
    (void)unused;
    ut_tls.internal = true;
    ut_tls.critical = 1; /* for life, as on carriers */
    ut_syscall3(SYS_prctl, 15 /* PR_SET_NAME */, "unthread-child", 0);
    int set = make_set();
    if (set < 0) {
        give_up();
        return NULL;
    }
    for (;;) {
        while (serve(set))
            ;
        take_events(set);
        close_abandoned();
    }
}

/* The coroutine's side */

static int make_watcher(void)
{
    watched = ut_sys_map(MOST * sizeof *watched);
    if (!watched)
        return -ENOMEM;
    calls = ut_ours_keep((int)ut_syscall2(SYS_eventfd2, 0, O_NONBLOCK | O_CLOEXEC));
    if (calls < 0)
        return calls;
    atomic_store(&state, STARTED); /* it may find out that it is impossible, and says so itself */
    return ut_carrier_start_thread(watcher_main, NULL);
}

/* The lock is held while the thread is made: whoever comes meanwhile needs it, too. */
static void start(void)
{
    ut_lock_acquire(&start_lock);
    if (atomic_load(&state) == NOT_STARTED && make_watcher() < 0)
        give_up();
    ut_lock_release(&start_lock);
}

/* False: there is no watcher. */
static bool ask(struct waiter *waiter)
{
    if (atomic_load(&state) == NOT_STARTED)
        start();
    ut_lock_acquire(&lock);
    bool started = atomic_load(&state) == STARTED;
    if (started) {
        waiter->next = asking;
        waiter->asks = true;
        asking = waiter;
    }
    ut_lock_release(&lock);
    if (started)
        call_watcher();
    return started;
}

/* Take WAITER out of wherever it still is. */
static void withdraw(struct waiter *waiter)
{
    bool gone = false;
    ut_lock_acquire(&lock);
    if (waiter->asks) {
        struct waiter **link = &asking;
        while (*link != waiter)
            link = &(*link)->next;
        *link = waiter->next;
    } else if (waiter->pidfd >= 0) {
        watched[waiter->pidfd] = &nobody;
        some_gone = gone = true;
    }
    ut_lock_release(&lock);
    if (gone) /* a loop of interrupted waits must not fill the watcher's table */
        call_watcher();
}

int ut_child_wait(pid_t process, const char *why)
{
    struct ut_coro *self = ut_tls.coro;
    struct waiter waiter = {.coro = self, .process = process, .pidfd = -1};
    waiter.ticket = ut_wait_begin(self);
    if (!ask(&waiter)) {
        ut_wait_cancel(self);
        return -ENOSYS;
    }
    ut_count(children_awaited);
    enum ut_wait_outcome outcome = ut_wait_suspend(self, why, UT_FOREVER);
    withdraw(&waiter);
    if (outcome == UT_WAIT_INTERRUPTED)
        return -EINTR;
    return waiter.refused ? -ENOSYS : 0;
}

void ut_child_forked(void)
{
    start_lock = lock = (struct ut_lock){0};
    atomic_store(&state, NOT_STARTED);
    asking = NULL;
    if (watched)
        ut_syscall2(SYS_munmap, watched, MOST * sizeof *watched);
    watched = NULL;
    watched_end = 0;
    some_gone = false;
    calls = -1;
}
