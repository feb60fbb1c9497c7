/* SPDX-License-Identifier: MIT */
/*
 * syscall(2), the side door, and two more that ask for the kernel thread: gettid(2), prctl(2).
 * Numbers that have an interposed function go there (syscalls.def); futex(2) is done with the
 * parking lot, where coroutines wait, and the kernel, where native threads do; any other number
 * goes to the kernel, in a blocking region.
 */
#include "alone.h"
#include "cancel.h"
#include "fd.h"
#include "frames.h"
#include "lot.h"
#include "native.h"
#include "process.h"
#include "real.h"
#include "signals.h"
#include "timers.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum {
    FIRST_VIRTUAL_ID = 0x400000, /* see coro.h: no kernel thread has such an id */
    KERNEL_SET_SIZE = 8,         /* bytes of the kernel's signal set */
    NAME_SIZE = 16,
};

/* What is behind a thread id, for calls that ask about a thread: carriers are all alike. */
static pid_t real_id(long id)
{
    return id >= FIRST_VIRTUAL_ID ? 0 : (pid_t)id;
}

/* Futexes */

/* The kernel's look at WORD: 0 if it is VALUE, -EAGAIN if not, -EFAULT, -EINVAL. Wakes nobody. */
static long compare(const uint32_t *word, long operation, uint32_t value)
{
    long flags = operation & FUTEX_PRIVATE_FLAG;
    return ut_syscall6(SYS_futex, (long)word, FUTEX_CMP_REQUEUE | flags, 0, 0, (long)word, value);
}

/* After an interruption: -EINTR if the call ends, by signal(7). TIMED ones are not restarted. */
static int attend(struct ut_coro *self, bool timed)
{
    return timed ? ut_shim_attend_sleep(self, false) : ut_shim_attend(self, false);
}

/* FUTEX_WAIT_BITSET. 0 or -errno. */
static long wait_in_lot(struct ut_coro *self, const uint32_t *word, uint32_t value,
                        int64_t deadline, uint32_t bits)
{
    self->must_report = self->handled = false;
    for (;;) {
        struct ut_lot_waiter waiter;
        enum ut_wait_outcome outcome = UT_WAIT_WOKEN;
        ut_critical_begin();
        ut_lot_enqueue(&waiter, word, bits);
        /* Pairs with wake: it sees us queued, or we see what was stored before it looked. */
        long result = compare(word, FUTEX_PRIVATE_FLAG, value);
        if (result == 0)
            outcome = ut_lot_wait_for_lock(&waiter, "futex", deadline); /* may be one */
        else if (ut_lot_abort(&waiter))
            result = 0; /* woken before we could look: the waker has counted us */
        ut_critical_end();
        if (outcome == UT_WAIT_TIMED_OUT)
            return -ETIMEDOUT;
        if (outcome != UT_WAIT_INTERRUPTED)
            return result;
        if (attend(self, deadline != UT_FOREVER))
            return -EINTR;
    }
}

/* FUTEX_WAIT and FUTEX_WAIT_BITSET of a coroutine, on a private futex. */
static long wait_by_bits(struct ut_coro *self, long operation, long a, long c, long d, long f)
{
    const struct timespec *time = (const struct timespec *)d;
    bool absolute = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
    uint32_t bits = absolute ? (uint32_t)f : FUTEX_BITSET_MATCH_ANY;
    int64_t deadline = UT_FOREVER;
    if (!bits || (time && (!ut_shim_valid_time(time) || time->tv_sec < 0)))
        return -EINVAL;
    if (time && absolute)
        deadline = ut_shim_deadline(
            operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, time);
    else if (time)
        deadline = ut_shim_timeout(time);
    return wait_in_lot(self, (const uint32_t *)a, (uint32_t)c, deadline, bits);
}

/* The kernel's count, COUNT of them at least one, of those in the lot first. */
static long wake(const uint32_t *word, int count, uint32_t bits)
{
    unsigned most = count > 0 ? (unsigned)count : 1, woken = 0;
    atomic_thread_fence(memory_order_seq_cst); /* behind the program's store; see wait_in_lot */
    if (ut_lot_occupied(word)) {
        ut_critical_begin();
        woken = ut_lot_wake_tagged(word, most, bits);
        ut_critical_end();
    }
    if (woken == most)
        return woken;
    long more = ut_syscall6(SYS_futex, (long)word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG,
                            most - woken, 0, 0, bits);
    return more > 0 ? woken + more : woken ? woken : more;
}

/* FUTEX_REQUEUE and FUTEX_CMP_REQUEUE. */
static long requeue(long operation, long a, long c, long d, long e, long f)
{
    const uint32_t *from = (const uint32_t *)a, *to = (const uint32_t *)e;
    unsigned woken = 0, all = 0;
    atomic_thread_fence(memory_order_seq_cst);
    if ((int)c >= 0 && (int)d >= 0 && ut_lot_occupied(from)) {
        long result = (operation & FUTEX_CMD_MASK) == FUTEX_CMP_REQUEUE
                          ? compare(from, operation, (uint32_t)f)
                          : 0;
        if (result < 0)
            return result;
        ut_critical_begin();
        all = ut_lot_requeue(from, to, (unsigned)c, (unsigned)d, &woken);
        ut_critical_end();
    }
    long more = ut_syscall6(SYS_futex, a, operation, (int)c - (int)woken,
                            (int)d - (int)(all - woken), e, f);
    return more > 0 ? all + more : all ? all : more;
}

/* Do the operation that WHAT encodes on WORD, as futex(2) has it: true with the OLD value. */
static bool operate(uint32_t *word, uint32_t what, int *old)
{
    uint32_t argument = (uint32_t)((int32_t)(what << 8) >> 20);
    if (what >> 28 & FUTEX_OP_OPARG_SHIFT)
        argument = UINT32_C(1) << (argument & 31);
    switch (what >> 28 & 7) {
    case FUTEX_OP_SET:
        *old = (int)__atomic_exchange_n(word, argument, __ATOMIC_SEQ_CST);
        return true;
    case FUTEX_OP_ADD:
        *old = (int)__atomic_fetch_add(word, argument, __ATOMIC_SEQ_CST);
        return true;
    case FUTEX_OP_OR:
        *old = (int)__atomic_fetch_or(word, argument, __ATOMIC_SEQ_CST);
        return true;
    case FUTEX_OP_ANDN:
        *old = (int)__atomic_fetch_and(word, ~argument, __ATOMIC_SEQ_CST);
        return true;
    case FUTEX_OP_XOR:
        *old = (int)__atomic_fetch_xor(word, argument, __ATOMIC_SEQ_CST);
        return true;
    default:
        return false;
    }
}

/* 1 or 0, or -ENOSYS. */
static int judge(int old, uint32_t what)
{
    int argument = (int32_t)(what << 20) >> 20;
    switch (what >> 24 & 15) {
    case FUTEX_OP_CMP_EQ:
        return old == argument;
    case FUTEX_OP_CMP_NE:
        return old != argument;
    case FUTEX_OP_CMP_LT:
        return old < argument;
    case FUTEX_OP_CMP_LE:
        return old <= argument;
    case FUTEX_OP_CMP_GT:
        return old > argument;
    case FUTEX_OP_CMP_GE:
        return old >= argument;
    default:
        return -ENOSYS;
    }
}

/*
 * FUTEX_WAKE_OP. Done by ourselves in all cases: the kernel does not tell what the old value was.
 * That it is not one step with the wake-ups changes nothing: a waiter queues before it looks.
 */
static long wake_and_operate(long a, long c, long d, long e, long f)
{
    int old;
    long result = compare((const uint32_t *)e, FUTEX_PRIVATE_FLAG, 0);
    if (a % 4)
        return -EINVAL;
    if (result < 0 && result != -EAGAIN)
        return result;
    if (!operate((uint32_t *)e, (uint32_t)f, &old))
        return -ENOSYS;
    int second = judge(old, (uint32_t)f);
    if (second < 0)
        return second;
    long woken = wake((const uint32_t *)a, (int)c, FUTEX_BITSET_MATCH_ANY);
    if (woken < 0 || !second)
        return woken;
    long more = wake((const uint32_t *)e, (int)d, FUTEX_BITSET_MATCH_ANY);
    return more < 0 ? more : woken + more;
}

/*
 * A futex in the kernel: a shared one (whose other users may be other processes; private and
 * shared waiters never meet), or a lock with priority inheritance.
 */
static long kernel_futex(struct ut_coro *self, long a, long b, long c, long d, long e, long f)
{
    int command = b & FUTEX_CMD_MASK;
    bool waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
    bool slow = waits || command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2 ||
                command == FUTEX_WAIT_REQUEUE_PI;
    if (!self || !slow)
        return ut_syscall6(SYS_futex, a, b, c, d, e, f);
    long result = waits ? compare((const uint32_t *)a, b, (uint32_t)c) : 0;
    if (result < 0) /* the kernel names the first error itself */
        return ut_syscall6(SYS_futex, a, b, c, d, e, f);
    return UT_REGION("futex", true, ut_syscall6(SYS_futex, a, b, c, d, e, f));
}

/* SELF is NULL on native threads: these wake as we do, and wait in the kernel. */
static long futex(struct ut_coro *self, long a, long b, long c, long d, long e, long f)
{
    int command = b & FUTEX_CMD_MASK, flags = b & ~FUTEX_CMD_MASK;
    bool clock = (flags & FUTEX_CLOCK_REALTIME) && command == FUTEX_WAIT_BITSET;
    if (!(flags & FUTEX_PRIVATE_FLAG) || ((flags & FUTEX_CLOCK_REALTIME) && !clock))
        return kernel_futex(self, a, b, c, d, e, f);
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return self ? wait_by_bits(self, b, a, c, d, f) : kernel_futex(self, a, b, c, d, e, f);
    case FUTEX_WAKE:
        return wake((const uint32_t *)a, (int)c, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return f ? wake((const uint32_t *)a, (int)c, (uint32_t)f) : -EINVAL;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return requeue(b, a, c, d, e, f);
    case FUTEX_WAKE_OP:
        return wake_and_operate(a, c, d, e, f);
    default:
        return kernel_futex(self, a, b, c, d, e, f);
    }
}

/*
 * Descriptors that libuv makes as well: in this library libc's functions of these names are for
 * the reactor (libuv.c). FD, or -errno, as libc returns it.
 */
static long opened(long fd)
{
    if (fd >= 0) {
        ut_critical_begin();
        ut_fd_opened((int)fd, UT_FD_UNKNOWN, false, false);
        ut_critical_end();
    }
    return ut_shim_return(fd);
}

static long make_pipe(int *fds, int flags)
{
    long result = ut_syscall2(SYS_pipe2, fds, flags);
    if (result == 0) {
        opened(fds[0]);
        opened(fds[1]);
    }
    return ut_shim_return(result);
}

/* Where the kernel's types differ from libc's. All return as libc does. */

static sigset_t *widen(sigset_t *wide, const void *set)
{
    if (!set)
        return NULL;
    sigemptyset(wide);
    memcpy(wide, set, KERNEL_SET_SIZE);
    return wide;
}

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static long set_action(int signal, const struct kernel_action *action, struct kernel_action *old,
                       size_t size)
{
    enum { RESTORER = 0x04000000 }; /* libc brings its own */
    struct sigaction wanted = {0}, before;
    if (size != KERNEL_SET_SIZE)
        return ut_shim_return(-EINVAL);
    if (action) {
        wanted.sa_handler = action->handler;
        wanted.sa_flags = (int)(action->flags & ~(unsigned long)RESTORER);
        widen(&wanted.sa_mask, &action->mask);
    }
    if (sigaction(signal, action ? &wanted : NULL, &before) < 0)
        return -1;
    if (old) {
        *old = (struct kernel_action){.handler = before.sa_handler};
        old->flags = (unsigned)before.sa_flags & ~(unsigned)RESTORER;
        memcpy(&old->mask, &before.sa_mask, sizeof old->mask);
    }
    return 0;
}

static long change_mask(int how, const void *set, void *old, size_t size)
{
    sigset_t wanted, before;
    if (size != KERNEL_SET_SIZE)
        return ut_shim_return(-EINVAL);
    if (sigprocmask(how, widen(&wanted, set), &before) < 0)
        return -1;
    if (old)
        memcpy(old, &before, KERNEL_SET_SIZE);
    return 0;
}

static long get_pending(void *set, size_t size)
{
    sigset_t pending;
    if (size > KERNEL_SET_SIZE)
        return ut_shim_return(-EINVAL);
    if (sigpending(&pending) < 0)
        return -1;
    memcpy(set, &pending, size);
    return 0;
}

static long set_affinity(long id, size_t size, const cpu_set_t *set)
{
    return sched_setaffinity((pid_t)id, size, set);
}

/* The system call tells how many bytes it has written. */
static long get_affinity(long id, size_t size, cpu_set_t *set)
{
    long bytes = ut_shim_return(ut_syscall3(SYS_sched_getaffinity, real_id(id), size, set));
    return bytes < 0 || sched_getaffinity((pid_t)id, (size_t)bytes, set) == 0 ? bytes : -1;
}

/* The function reads most clocks without asking the kernel, which knows bad addresses. */
static long read_clock(clockid_t clock, struct timespec *time)
{
    bool threads = clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;
    return threads ? clock_gettime(clock, time)
                   : ut_shim_return(ut_syscall2(SYS_clock_gettime, clock, time));
}

static long await_id(int type, int id, siginfo_t *info, int options, struct rusage *usage)
{
    if (!usage)
        return waitid(type, (id_t)id, info, options);
    return ut_process_waitid(ut_shim_self(), type, id, info, options, usage);
}

static long kill_thread(long id, int signal)
{
    if (id >= FIRST_VIRTUAL_ID)
        return tgkill(getpid(), (pid_t)id, signal);
    return ut_shim_return(ut_syscall2(SYS_tkill, id, signal));
}

/* A clone that is a fork is made one, for the sake of the child's runtime. */
static long begin_process(long flags, long stack, long c, long d, long e)
{
    if (flags == SIGCHLD && !stack)
        return fork();
    return ut_shim_return(ut_syscall5(SYS_clone, flags, stack, c, d, e));
}

/* The numbers. True with the *RESULT as syscall(2) returns it. */

#define P(x) ((void *)(x))
#define set(x) widen(&(sigset_t){0}, P(x))

static bool call_noted(long number, long a, long b, long c, long d, long e, long *result)
{
    switch (number) {
#define NOTED(name, call)                                                                          \
    case SYS_##name:                                                                               \
        *result = call;                                                                            \
        return true;
#define NAMED(name, call)
#define ALONE(name)
#define PLAIN(name)
#include "syscalls.def"
#undef NOTED
#undef NAMED
    }
    return false;
}

static bool call_named(long number, long a, long b, long c, long d, long e, long f, long *result)
{
    switch (number) {
#define NOTED(name, call)
#define NAMED(name, call)                                                                          \
    case SYS_##name:                                                                               \
        *result = call;                                                                            \
        return true;
#include "syscalls.def"
#undef NOTED
#undef NAMED
#undef ALONE
#undef PLAIN
    }
    return false;
}

/* Does it go straight to the kernel? Then from the right kernel thread. */
static bool is_for_kernel(long number)
{
    switch (number) {
#define NOTED(name, call)
#define NAMED(name, call)
#define ALONE(name)                                                                                \
    case SYS_##name:                                                                               \
        ut_alone();                                                                                \
        return true;
#define PLAIN(name) case SYS_##name:
#include "syscalls.def"
#undef NOTED
#undef NAMED
#undef ALONE
#undef PLAIN
        return true;
    }
    return false;
}

/* A raw result as libc returns it. Unlike our own, it may be negative and no error: an address. */
static long from_kernel(long result)
{
    return (unsigned long)result > -4096UL ? ut_shim_return(result) : result;
}

static long call(struct ut_coro *self, long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    if (number == SYS_futex)
        return from_kernel(futex(self, a, b, c, d, e, f));
    if (call_noted(number, a, b, c, d, e, &result))
        return result;
    if (!self)
        return real(syscall)(number, a, b, c, d, e, f);
    if (call_named(number, a, b, c, d, e, f, &result))
        return result;
    if (is_for_kernel(number))
        return from_kernel(ut_syscall6(number, a, b, c, d, e, f));
    ut_count(unknown_syscalls);
    return from_kernel(UT_REGION("syscall", false, ut_syscall6(number, a, b, c, d, e, f)));
}

/* syscall() is no cancellation point, whatever it calls. A handler may jump out of it. */
struct uncancelled {
    struct ut_frame frame;
    int state;
};

static void cancel_again(struct ut_coro *self, struct ut_frame *frame)
{
    (void)self;
    pthread_setcancelstate(((struct uncancelled *)frame)->state, NULL);
}

/* Also when a handler ends the thread. */
static void end_uncancelled(struct uncancelled *uncancelled)
{
    if (uncancelled->frame.leave)
        ut_frame_end(&uncancelled->frame);
    cancel_again(NULL, &uncancelled->frame);
}

static long call_uncancelled(struct ut_coro *self, long number, long a, long b, long c, long d,
                             long e, long f)
{
    __attribute__((cleanup(end_uncancelled))) struct uncancelled uncancelled = {0};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &uncancelled.state);
    if (self)
        ut_frame_enter(self, &uncancelled.frame, cancel_again);
    return call(self, number, a, b, c, d, e, f);
}

UT_EXPORT long syscall(long number, ...)
{
    va_list rest;
    va_start(rest, number);
    long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
    long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
    va_end(rest);
    if (!ut_shim_started() || ut_tls.critical)
        return real(syscall)(number, a, b, c, d, e, f);
    struct ut_coro *self = ut_shim_self();
    if (self && number == SYS_exit)
        pthread_exit(NULL); /* the thread's end, as near as it comes without glibc knowing */
    if (self && ut_cancel_is_asynchronous(self)) /* it acts wherever it is */
        return call(self, number, a, b, c, d, e, f);
    return call_uncancelled(self, number, a, b, c, d, e, f);
}

/* The rest */

UT_EXPORT pid_t gettid(void)
{
    struct ut_coro *self = ut_shim_self();
    return self ? (pid_t)self->thread_id : real(gettid)();
}

/* The coroutine's name is its own; anything else is the carrier's or the process's. */
static bool name_thread(struct ut_coro *self, int option, char *name)
{
    if (option != PR_SET_NAME && option != PR_GET_NAME)
        return false;
    ut_critical_begin();
    ut_lock_acquire(&self->lock);
    if (option == PR_GET_NAME) {
        memcpy(name, self->name, NAME_SIZE);
    } else {
        size_t length = strnlen(name, NAME_SIZE - 1);
        memcpy(self->name, name, length);
        memset(self->name + length, 0, NAME_SIZE - length);
    }
    ut_lock_release(&self->lock);
    ut_critical_end();
    if (option == PR_SET_NAME)
        ut_native_named(self);
    return true;
}

UT_EXPORT int prctl(int option, ...)
{
    struct ut_coro *self = ut_shim_self();
    va_list rest;
    va_start(rest, option);
    unsigned long a = va_arg(rest, unsigned long), b = va_arg(rest, unsigned long);
    unsigned long c = va_arg(rest, unsigned long), d = va_arg(rest, unsigned long);
    va_end(rest);
    if (self && name_thread(self, option, (char *)a))
        return 0;
    if (self && ut_alone_for_prctl(option))
        ut_alone();
    return real(prctl)(option, a, b, c, d);
}
